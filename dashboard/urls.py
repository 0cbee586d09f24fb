"""Every address of the site. Pages live below their project."""

from django.urls import include, path

from dashboard.views import (
    account,
    action_files,
    actions,
    comments,
    compare,
    connect,
    error_group,
    error_group_files,
    error_groups,
    health,
    home,
    new_project,
    prices,
    project_settings,
    run,
    run_columns,
    run_files,
    run_news,
    run_pair,
    run_removal,
    run_suggestions,
    run_tags,
    runs,
    threads,
    usage,
    usage_files,
)
from runs import addresses  # noqa: F401 - registers posted_id

handler400 = "dashboard.views.errors.bad_request"
handler403 = "dashboard.views.errors.forbidden"
handler404 = "dashboard.views.errors.not_found"
handler500 = "dashboard.views.errors.server_error"

project_pages = [
    path("runs/", runs.page, name="runs"),
    path("runs.json", run_files.json, name="runs-json"),
    path("runs.jsonl", run_files.lines, name="runs-jsonl"),
    path("runs.csv", run_files.table, name="runs-csv"),
    path("news/", run_news.fragment, name="run-news"),
    path("suggest/", run_suggestions.fragment, name="run-suggestions"),
    path("tags/", run_tags.selection, name="run-tagging"),
    path("tags/known", run_tags.suggestions, name="run-tagging-known"),
    path("delete/", run_removal.page, name="run-removal"),
    path("prefs/columns", run_columns.page, name="run-columns"),
    path("runs/<posted_id:run_id>.json", run.json, name="run-json"),
    path("runs/<posted_id:run_id>/tags", run_tags.one, name="run-tags"),
    path("runs/<posted_id:run_id>/", run.page, name="run"),
    path("comments/<posted_id:run_id>/", comments.page, name="comments"),
    path("threads/", threads.page, name="threads"),
    path("threads/<posted_id:thread_id>/", threads.thread, name="thread"),
    path("compare/", compare.page, name="compare"),
    path("actions/", actions.page, name="actions"),
    path("actions.json", action_files.json, name="actions-json"),
    path("actions.csv", action_files.table, name="actions-csv"),
    path("compare/selected", run_pair.page, name="run-pair"),
    path("errors/", error_groups.page, name="errors"),
    path("errors.json", error_group_files.json, name="errors-json"),
    path("errors.csv", error_group_files.table, name="errors-csv"),
    path("errors/<uuid:group>/", error_group.page, name="error-group"),
    path("errors/<uuid:group>/state", error_group.decide, name="error-group-state"),
    path("usage/", usage.page, name="usage"),
    path("usage.json", usage_files.json, name="usage-json"),
    path("usage.csv", usage_files.table, name="usage-csv"),
    path("connect/", connect.page, name="connect"),
    path("settings/", project_settings.page, name="settings"),
    path("settings/name", project_settings.name, name="settings-name"),
    path("settings/keys", project_settings.new_key, name="settings-keys"),
    path("settings/keys/<int:key_id>", project_settings.revoke_key, name="settings-key"),
    path("settings/prices/", prices.page, name="prices"),
    path("settings/prices/remove", prices.remove, name="prices-remove"),
    path("settings/members", project_settings.new_member, name="settings-members"),
    path("settings/members/<int:membership_id>", project_settings.member, name="settings-member"),
]

urlpatterns = [
    path("", home.page, name="home"),
    path("login/", account.login, name="login"),
    path("logout/", account.logout, name="logout"),
    path("account/password/", account.password, name="password"),
    path("projects/new/", new_project.page, name="new-project"),
    path("p/<slug:project>/", include(project_pages)),
    path("api/v1/", include("runs.api.urls")),
    path("", include("runs.api.readback.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
