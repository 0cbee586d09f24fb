"""Every address of the site. Pages live below their project."""

from django.urls import include, path

from dashboard.pages.account import home_views, views
from dashboard.pages.actions import downloads
from dashboard.pages.actions import views as actions
from dashboard.pages.assistants import detail_views, name_views
from dashboard.pages.assistants import downloads as assistant_files
from dashboard.pages.assistants import views as assistants
from dashboard.pages.compare import selection_views
from dashboard.pages.compare import views as compare
from dashboard.pages.connect import receiving_views
from dashboard.pages.connect import views as connect
from dashboard.pages.errors import detail_views as error_group
from dashboard.pages.errors import downloads as error_group_files
from dashboard.pages.errors import views as error_groups
from dashboard.pages.run import comment_views
from dashboard.pages.run import views as run
from dashboard.pages.runs import (
    autocomplete_views,
    column_views,
    deletion_views,
    facet_views,
    new_run_views,
    query_help_views,
    saved_view_views,
    tag_views,
)
from dashboard.pages.runs import downloads as run_files
from dashboard.pages.runs import views as runs
from dashboard.pages.settings import new_project_views, price_views
from dashboard.pages.settings import views as project_settings
from dashboard.pages.threads import downloads as thread_files
from dashboard.pages.threads import views as threads
from dashboard.pages.tools import detail_views as tool
from dashboard.pages.tools import downloads as tool_files
from dashboard.pages.tools import views as tools
from dashboard.pages.usage import downloads as usage_files
from dashboard.pages.usage import views as usage
from dashboard.web import health_views
from runs.api import url_converters  # noqa: F401 - registers posted_id

handler400 = "dashboard.web.error_views.bad_request"
handler403 = "dashboard.web.error_views.forbidden"
handler404 = "dashboard.web.error_views.not_found"
handler500 = "dashboard.web.error_views.server_error"

project_pages = [
    path("runs/", runs.page, name="runs"),
    path("runs.json", run_files.json, name="runs-json"),
    path("runs.jsonl", run_files.lines, name="runs-jsonl"),
    path("runs.csv", run_files.table, name="runs-csv"),
    path("facets/", facet_views.page, name="run-facets"),
    path("news/", new_run_views.fragment, name="run-news"),
    path("language/", query_help_views.page, name="query-help"),
    path("suggest/", autocomplete_views.fragment, name="run-suggestions"),
    path("tags/", tag_views.selection, name="run-tagging"),
    path("tags/known", tag_views.suggestions, name="run-tagging-known"),
    path("views/", saved_view_views.page, name="saved-views"),
    path("views/counts", saved_view_views.counted, name="saved-view-counts"),
    path("views/<int:number>/", saved_view_views.opened, name="saved-view"),
    path("views/<int:number>/edit", saved_view_views.edit, name="saved-view-edit"),
    path("views/<int:number>/replace", saved_view_views.replaced, name="saved-view-replace"),
    path("views/<int:number>/delete", saved_view_views.deleted, name="saved-view-delete"),
    path("delete/", deletion_views.page, name="run-removal"),
    path("prefs/columns", column_views.page, name="run-columns"),
    path("runs/<posted_id:run_id>.json", run.json, name="run-json"),
    path("runs/<posted_id:run_id>/tags", tag_views.one, name="run-tags"),
    path("runs/<posted_id:run_id>/", run.page, name="run"),
    path("comments/<posted_id:run_id>/", comment_views.page, name="comments"),
    path("threads/", threads.page, name="threads"),
    path("threads.json", thread_files.json, name="threads-json"),
    path("threads.csv", thread_files.table, name="threads-csv"),
    path("threads/<posted_id:thread_id>/", threads.thread, name="thread"),
    path("assistants/", assistants.page, name="assistants"),
    path("assistants.json", assistant_files.json, name="assistants-json"),
    path("assistants.csv", assistant_files.table, name="assistants-csv"),
    path("assistants/<posted_id:assistant_id>/", detail_views.page, name="assistant"),
    path("names/<posted_id:assistant_id>/", name_views.page, name="assistant-name"),
    path("compare/", compare.page, name="compare"),
    path("tools/", tools.page, name="tools"),
    path("tools.json", tool_files.json, name="tools-json"),
    path("tools.csv", tool_files.csv, name="tools-csv"),
    path("tools/<posted_id:tool>/", tool.page, name="tool"),
    path("actions/", actions.page, name="actions"),
    path("actions.json", downloads.json, name="actions-json"),
    path("actions.csv", downloads.table, name="actions-csv"),
    path("compare/selected", selection_views.page, name="run-pair"),
    path("errors/", error_groups.page, name="errors"),
    path("errors.json", error_group_files.json, name="errors-json"),
    path("errors.csv", error_group_files.table, name="errors-csv"),
    path("errors/<uuid:group>/", error_group.page, name="error-group"),
    path("errors/<uuid:group>/state", error_group.decide, name="error-group-state"),
    path("usage/", usage.page, name="usage"),
    path("usage.json", usage_files.json, name="usage-json"),
    path("usage.csv", usage_files.table, name="usage-csv"),
    path("connect/", connect.page, name="connect"),
    path("receiving/", receiving_views.fragment, name="receiving"),
    path("settings/", project_settings.page, name="settings"),
    path("settings/name", project_settings.name, name="settings-name"),
    path("settings/keys", project_settings.new_key, name="settings-keys"),
    path("settings/keys/<int:key_id>", project_settings.revoke_key, name="settings-key"),
    path("settings/prices/", price_views.page, name="prices"),
    path("settings/prices/remove", price_views.remove, name="prices-remove"),
    path("settings/members", project_settings.new_member, name="settings-members"),
    path("settings/members/<int:membership_id>", project_settings.member, name="settings-member"),
]

urlpatterns = [
    path("", home_views.page, name="home"),
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
    path("account/password/", views.password, name="password"),
    path("projects/new/", new_project_views.page, name="new-project"),
    path("p/<slug:project>/", include(project_pages)),
    path("api/v1/", include("runs.api.urls")),
    path("", include("runs.api.assistants_compat.urls")),
    path("healthz", health_views.healthz, name="healthz"),
    path("readyz", health_views.readyz, name="readyz"),
]
