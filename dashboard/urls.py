"""The URLs of the site. The pages of a project are below /p/<project>/."""

from django.urls import include, path

from dashboard.pages.account import views as account_views
from dashboard.pages.account.oidc import views as oidc_views
from dashboard.pages.actions import downloads as action_downloads
from dashboard.pages.actions import views as action_views
from dashboard.pages.api_docs import views as api_docs_views
from dashboard.pages.assistants import downloads as assistant_downloads
from dashboard.pages.assistants import views as assistant_views
from dashboard.pages.compare import selection_views as compare_selection_views
from dashboard.pages.compare import views as compare_views
from dashboard.pages.connect import views as connect_views
from dashboard.pages.errors import decisions as error_decisions
from dashboard.pages.errors import downloads as error_downloads
from dashboard.pages.errors import views as error_views
from dashboard.pages.imports import views as import_views
from dashboard.pages.palette import views as palette_views
from dashboard.pages.query import completion_views, help_views
from dashboard.pages.run import comment_views
from dashboard.pages.run import downloads as run_downloads
from dashboard.pages.run import views as run_views
from dashboard.pages.run.sharing import link_views as share_link_views
from dashboard.pages.run.sharing import views as shared_run_views
from dashboard.pages.runs import (
    bulk_action_views,
    column_views,
    deletion_views,
    review_views,
    saved_view_views,
    tag_views,
)
from dashboard.pages.runs import downloads as runs_downloads
from dashboard.pages.runs import views as runs_views
from dashboard.pages.settings import audit_views, key_views, member_views, price_views, retention_views, sharing_views
from dashboard.pages.settings import views as settings_views
from dashboard.pages.status import views as status_views
from dashboard.pages.threads import deletion_views as thread_deletion_views
from dashboard.pages.threads import downloads as thread_downloads
from dashboard.pages.threads import views as thread_views
from dashboard.pages.tools import downloads as tool_downloads
from dashboard.pages.tools import views as tool_views
from dashboard.pages.usage import downloads as usage_downloads
from dashboard.pages.usage import views as usage_views
from dashboard.web import health_views, icon_views, metrics_views
from runs.api import url_converters  # noqa: F401 - registers escaped

handler400 = "dashboard.web.error_views.bad_request_view"
handler403 = "dashboard.web.error_views.forbidden_view"
handler404 = "dashboard.web.error_views.not_found_view"
handler500 = "dashboard.web.error_views.server_error_view"

run_list_urls = [
    path("", runs_views.project_home, name="project-home"),
    path("runs/", runs_views.run_list, name="runs"),
    path("runs.json", runs_downloads.run_list_json, name="runs-json"),
    path("runs.jsonl", runs_downloads.run_list_jsonl, name="runs-jsonl"),
    path("runs.otlp.jsonl", runs_downloads.run_list_otlp, name="runs-otlp-jsonl"),
    path("runs.csv", runs_downloads.run_list_csv, name="runs-csv"),
    path("facets/", runs_views.run_facets, name="run-facets"),
    path("new-runs/", runs_views.new_runs, name="new-runs"),
    path("language/", help_views.query_help, name="query-help"),
    path("palette/", palette_views.palette_commands, name="palette"),
    path("suggest/", completion_views.query_completions, name="query-completions"),
    path("tags/", tag_views.tag_selected_runs, name="tag-selected-runs"),
    path("tags/known", tag_views.tag_suggestions, name="tag-suggestions"),
    path("reviews/", review_views.review_selected_runs, name="review-selected-runs"),
    path("delete/", deletion_views.delete_selected_runs, name="delete-selected-runs"),
    path("prefs/columns", column_views.update_run_columns, name="run-columns"),
    path("prefs/columns/keys", column_views.metadata_key_options, name="metadata-key-options"),
]

saved_view_urls = [
    path("bulk/", bulk_action_views.change_matching_runs, name="change-matching-runs"),
    path("bulk/<int:bulk_number>/", bulk_action_views.bulk_action, name="bulk-action"),
    path("bulk/<int:bulk_number>/cancel", bulk_action_views.bulk_action_cancel, name="bulk-action-cancel"),
    path("views/", saved_view_views.saved_view_list, name="saved-views"),
    path("views/counts", saved_view_views.saved_view_counts, name="saved-view-counts"),
    path("views/<int:number>/", saved_view_views.saved_view_detail, name="saved-view"),
    path("views/<int:number>/edit", saved_view_views.saved_view_edit, name="saved-view-edit"),
    path("views/<int:number>/replace", saved_view_views.saved_view_replace, name="saved-view-replace"),
    path("views/<int:number>/delete", saved_view_views.saved_view_delete, name="saved-view-delete"),
]

run_urls = [
    path("runs/<escaped:run_id>.json", run_downloads.run_json, name="run-json"),
    path("runs/<escaped:run_id>/tags", tag_views.tag_run, name="run-tags"),
    path("runs/<escaped:run_id>/review", review_views.review_run, name="run-review"),
    path("runs/<escaped:run_id>/links/", share_link_views.run_share_links, name="run-share-links"),
    path("runs/<escaped:run_id>/", run_views.run_detail, name="run"),
    path("links/<int:link_number>/revoke", share_link_views.share_link_revoke, name="share-link-revoke"),
    path("comments/<escaped:run_id>/", comment_views.run_comments, name="run-comments"),
]

compare_urls = [
    path("compare/", compare_views.compare_runs, name="compare"),
    path("compare/selected", compare_selection_views.compare_selected_runs, name="compare-selected-runs"),
]

thread_urls = [
    path("threads/", thread_views.thread_list, name="threads"),
    path("threads.json", thread_downloads.thread_list_json, name="threads-json"),
    path("threads.csv", thread_downloads.thread_list_csv, name="threads-csv"),
    path("threads/<escaped:thread_id>/", thread_views.thread_detail, name="thread"),
    path("threads/<escaped:thread_id>/delete", thread_deletion_views.thread_delete, name="thread-delete"),
]

assistant_urls = [
    path("assistants/", assistant_views.assistant_list, name="assistants"),
    path("assistants.json", assistant_downloads.assistant_list_json, name="assistants-json"),
    path("assistants.csv", assistant_downloads.assistant_list_csv, name="assistants-csv"),
    path("assistants/<escaped:assistant_id>/", assistant_views.assistant_detail, name="assistant"),
    path("names/<escaped:assistant_id>/", assistant_views.assistant_rename, name="assistant-rename"),
]

tool_urls = [
    path("tools/", tool_views.tool_list, name="tools"),
    path("tools.json", tool_downloads.tool_list_json, name="tools-json"),
    path("tools.csv", tool_downloads.tool_list_csv, name="tools-csv"),
    path("tools/<escaped:tool_type>/<escaped:tool_name>/", tool_views.tool_detail, name="tool"),
]

action_urls = [
    path("actions/", action_views.action_list, name="actions"),
    path("actions.json", action_downloads.action_list_json, name="actions-json"),
    path("actions.csv", action_downloads.action_list_csv, name="actions-csv"),
]

error_urls = [
    path("errors/", error_views.error_group_list, name="errors"),
    path("errors.json", error_downloads.error_group_list_json, name="errors-json"),
    path("errors.csv", error_downloads.error_group_list_csv, name="errors-csv"),
    path("errors/<uuid:group_id>/", error_views.error_group_detail, name="error-group"),
    path("errors/<uuid:group_id>/state", error_decisions.set_error_group_state, name="set-error-group-state"),
    path("errors/<uuid:group_id>/comments", error_views.error_group_comments, name="error-group-comments"),
    path("errors/change", error_decisions.change_error_groups, name="change-error-groups"),
]

usage_urls = [
    path("usage/", usage_views.usage_overview, name="usage"),
    path("usage.json", usage_downloads.usage_json, name="usage-json"),
    path("usage.csv", usage_downloads.usage_csv, name="usage-csv"),
]

connect_urls = [
    path("connect/", connect_views.connect, name="connect"),
    path("connect/key", connect_views.connect_key_create, name="connect-key-create"),
    path("receiving/", connect_views.receiving_status, name="receiving-status"),
]

import_urls = [
    path("import/", import_views.import_files, name="import-files"),
]

settings_urls = [
    path("settings/", settings_views.project_settings, name="settings"),
    path("settings/audit/", audit_views.audit_log, name="audit-log"),
    path("settings/sharing/", sharing_views.project_share_links, name="sharing"),
    path("settings/sharing/enabled", sharing_views.sharing_update, name="sharing-update"),
    path("settings/sharing/revoke", sharing_views.share_links_revoke, name="share-links-revoke"),
    path("settings/retention/", retention_views.retention_policies, name="retention"),
    path("settings/name", settings_views.project_rename, name="project-rename"),
    path("settings/agent-key", settings_views.agent_key_update, name="agent-key-update"),
    path("settings/keys/", key_views.api_keys, name="api-keys"),
    path("settings/keys/<int:key_id>", key_views.api_key_revoke, name="api-key-revoke"),
    path("settings/keys/<int:key_id>/replace", key_views.api_key_replace, name="api-key-replace"),
    path("settings/keys/limit", key_views.request_limit_update, name="request-limit-update"),
    path("settings/members/", member_views.members, name="members"),
    path("settings/members/<int:membership_id>", member_views.member_update, name="member-update"),
    path("settings/prices/", price_views.price_list, name="prices"),
    path("settings/prices/remove", price_views.price_delete, name="price-delete"),
]

project_urls = [
    *run_list_urls,
    *saved_view_urls,
    *run_urls,
    *compare_urls,
    *thread_urls,
    *assistant_urls,
    *tool_urls,
    *action_urls,
    *error_urls,
    *usage_urls,
    *connect_urls,
    *import_urls,
    *settings_urls,
]

urlpatterns = [
    # Accounts
    path("", account_views.home, name="home"),
    path("login/", account_views.sign_in, name="account_login"),
    path("login/sso/", oidc_views.oidc_start, name="oidc-start"),
    path("login/sso/callback/", oidc_views.oidc_callback, name="oidc-callback"),
    path("logout/", account_views.sign_out, name="account_logout"),
    path("account/password/", account_views.change_password, name="account_change_password"),
    # The instance
    path("status/", status_views.status, name="status"),
    path("status.json", status_views.status_json, name="status-json"),
    # Projects
    path("projects/new/", settings_views.project_create, name="project-create"),
    path("p/<slug:project>/", include(project_urls)),
    # Runs that are shared by link
    path("shared/<str:token>/", shared_run_views.shared_run, name="shared-run"),
    path("shared/<str:token>/run.json", shared_run_views.shared_run_json, name="shared-run-json"),
    # API
    path("api/v1/docs", api_docs_views.ApiDocsView.as_view(), name="api-docs"),
    path("api/v1/", include("runs.api.urls")),
    path("v1/", include("runs.api.otlp_urls")),
    path("", include("runs.api.compat_urls")),
    path("", include("dashboard.mcp.urls")),
    # Health checks and metrics
    path("healthz", health_views.healthz, name="healthz"),
    path("readyz", health_views.readyz, name="readyz"),
    path("metrics", metrics_views.metrics, name="metrics"),
    # Icons
    path("favicon.ico", icon_views.root_icon, {"name": "favicon.ico"}, name="favicon"),
    path("apple-touch-icon.png", icon_views.root_icon, {"name": "apple-touch-icon.png"}, name="touch-icon"),
    path(
        "apple-touch-icon-precomposed.png",
        icon_views.root_icon,
        {"name": "apple-touch-icon.png"},
        name="touch-icon-precomposed",
    ),
]
