"""Every address of the site. Pages live below their project."""

from django.urls import include, path

from dashboard.pages.account import views as account
from dashboard.pages.actions import downloads
from dashboard.pages.actions import views as actions
from dashboard.pages.assistants import detail_views, name_views
from dashboard.pages.assistants import downloads as assistant_files
from dashboard.pages.assistants import views as assistants
from dashboard.pages.compare import selection_views
from dashboard.pages.compare import views as compare
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
from dashboard.pages.settings import price_views
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

handler400 = "dashboard.web.error_views.bad_request_view"
handler403 = "dashboard.web.error_views.forbidden_view"
handler404 = "dashboard.web.error_views.not_found_view"
handler500 = "dashboard.web.error_views.server_error_view"

project_pages = [
    path("runs/", runs.run_list, name="runs"),
    path("runs.json", run_files.run_list_json, name="runs-json"),
    path("runs.jsonl", run_files.run_list_jsonl, name="runs-jsonl"),
    path("runs.csv", run_files.run_list_csv, name="runs-csv"),
    path("facets/", facet_views.run_facets, name="run-facets"),
    path("news/", new_run_views.new_runs, name="run-news"),
    path("language/", query_help_views.query_help, name="query-help"),
    path("suggest/", autocomplete_views.query_completions, name="run-suggestions"),
    path("tags/", tag_views.tag_selected_runs, name="run-tagging"),
    path("tags/known", tag_views.tag_suggestions, name="run-tagging-known"),
    path("views/", saved_view_views.saved_view_list, name="saved-views"),
    path("views/counts", saved_view_views.saved_view_counts, name="saved-view-counts"),
    path("views/<int:number>/", saved_view_views.saved_view_detail, name="saved-view"),
    path("views/<int:number>/edit", saved_view_views.saved_view_edit, name="saved-view-edit"),
    path("views/<int:number>/replace", saved_view_views.saved_view_replace, name="saved-view-replace"),
    path("views/<int:number>/delete", saved_view_views.saved_view_delete, name="saved-view-delete"),
    path("delete/", deletion_views.delete_selected_runs, name="run-removal"),
    path("prefs/columns", column_views.update_run_columns, name="run-columns"),
    path("runs/<posted_id:run_id>.json", run.run_json, name="run-json"),
    path("runs/<posted_id:run_id>/tags", tag_views.tag_run, name="run-tags"),
    path("runs/<posted_id:run_id>/", run.run_detail, name="run"),
    path("comments/<posted_id:run_id>/", comment_views.run_comments, name="comments"),
    path("threads/", threads.thread_list, name="threads"),
    path("threads.json", thread_files.thread_list_json, name="threads-json"),
    path("threads.csv", thread_files.thread_list_csv, name="threads-csv"),
    path("threads/<posted_id:thread_id>/", threads.thread_detail, name="thread"),
    path("assistants/", assistants.assistant_list, name="assistants"),
    path("assistants.json", assistant_files.assistant_list_json, name="assistants-json"),
    path("assistants.csv", assistant_files.assistant_list_csv, name="assistants-csv"),
    path("assistants/<posted_id:assistant_id>/", detail_views.assistant_detail, name="assistant"),
    path("names/<posted_id:assistant_id>/", name_views.assistant_rename, name="assistant-name"),
    path("compare/", compare.compare_runs, name="compare"),
    path("tools/", tools.tool_list, name="tools"),
    path("tools.json", tool_files.tool_list_json, name="tools-json"),
    path("tools.csv", tool_files.tool_list_csv, name="tools-csv"),
    path("tools/<posted_id:tool>/", tool.tool_detail, name="tool"),
    path("actions/", actions.action_list, name="actions"),
    path("actions.json", downloads.action_list_json, name="actions-json"),
    path("actions.csv", downloads.action_list_csv, name="actions-csv"),
    path("compare/selected", selection_views.compare_selected_runs, name="run-pair"),
    path("errors/", error_groups.error_group_list, name="errors"),
    path("errors.json", error_group_files.error_group_list_json, name="errors-json"),
    path("errors.csv", error_group_files.error_group_list_csv, name="errors-csv"),
    path("errors/<uuid:group>/", error_group.error_group_detail, name="error-group"),
    path("errors/<uuid:group>/state", error_group.set_error_group_state, name="error-group-state"),
    path("usage/", usage.usage_overview, name="usage"),
    path("usage.json", usage_files.usage_json, name="usage-json"),
    path("usage.csv", usage_files.usage_csv, name="usage-csv"),
    path("connect/", connect.connect, name="connect"),
    path("receiving/", connect.receiving_status, name="receiving"),
    path("settings/", project_settings.project_settings, name="settings"),
    path("settings/name", project_settings.project_rename, name="settings-name"),
    path("settings/keys", project_settings.api_key_create, name="settings-keys"),
    path("settings/keys/<int:key_id>", project_settings.api_key_revoke, name="settings-key"),
    path("settings/prices/", price_views.price_list, name="prices"),
    path("settings/prices/remove", price_views.price_delete, name="prices-remove"),
    path("settings/members", project_settings.member_add, name="settings-members"),
    path("settings/members/<int:membership_id>", project_settings.member_update, name="settings-member"),
]

urlpatterns = [
    path("", account.home, name="home"),
    path("login/", account.sign_in, name="login"),
    path("logout/", account.sign_out, name="logout"),
    path("account/password/", account.change_password, name="password"),
    path("projects/new/", project_settings.project_create, name="new-project"),
    path("p/<slug:project>/", include(project_pages)),
    path("api/v1/", include("runs.api.urls")),
    path("", include("runs.api.assistants_compat.urls")),
    path("healthz", health_views.healthz, name="healthz"),
    path("readyz", health_views.readyz, name="readyz"),
]
