"""URLs of the REST API below `/api/v1/`, without trailing slashes."""

from django.urls import path

from runs.api import (
    base_views,
    error_group_views,
    history_views,
    ingest_views,
    responses_views,
    run_views,
    schema_views,
    thread_views,
    url_converters,  # noqa: F401 - registers posted_id
    usage_views,
)

urlpatterns = [
    path("runs", run_views.RunListView.as_view(), name="api-runs"),
    path("runs/<posted_id:run_id>/steps", run_views.RunStepsView.as_view(), name="api-run-steps"),
    path("runs/<posted_id:run_id>/linked_runs", run_views.LinkedRunsView.as_view(), name="api-linked-runs"),
    path(
        "runs/<posted_id:run_id>/steps/<posted_id:step_id>/history",
        history_views.StepHistoryView.as_view(),
        name="api-step-history",
    ),
    path(
        "runs/<posted_id:run_id>/steps/<posted_id:step_id>/history/<int:n>",
        history_views.StepVersionView.as_view(),
        name="api-step-version",
    ),
    path("runs/<posted_id:run_id>/history", history_views.RunHistoryView.as_view(), name="api-run-history"),
    path("runs/<posted_id:run_id>/history/<int:n>", history_views.RunVersionView.as_view(), name="api-run-version"),
    path("runs/<posted_id:run_id>", run_views.RunDetailView.as_view(), name="api-run"),
    path("threads/<posted_id:thread_id>", thread_views.ThreadDetailView.as_view(), name="api-thread"),
    path("steps", ingest_views.StepIngestView.as_view(), name="api-steps"),
    path("events", ingest_views.EventIngestView.as_view(), name="api-events"),
    path("messages", ingest_views.MessageIngestView.as_view(), name="api-messages"),
    path(
        "messages/<posted_id:message_id>/history",
        history_views.MessageHistoryView.as_view(),
        name="api-message-history",
    ),
    path(
        "messages/<posted_id:message_id>/history/<int:n>",
        history_views.MessageVersionView.as_view(),
        name="api-message-version",
    ),
    path("assistants", ingest_views.AssistantIngestView.as_view(), name="api-assistants"),
    path("responses", responses_views.ResponseIngestView.as_view(), name="api-responses"),
    path(
        "responses/<posted_id:response_id>/input_items",
        responses_views.InputItemsView.as_view(),
        name="api-input-items",
    ),
    path("conversations", responses_views.ConversationIngestView.as_view(), name="api-conversations"),
    path(
        "conversations/<posted_id:conversation_id>/items",
        responses_views.ConversationItemsView.as_view(),
        name="api-conversation-items",
    ),
    path("error_groups", error_group_views.ErrorGroupListView.as_view(), name="api-error-groups"),
    path(
        "error_groups/<posted_id:group_id>",
        error_group_views.ErrorGroupDetailView.as_view(),
        name="api-error-group",
    ),
    path("usage", usage_views.UsageReportView.as_view(), name="api-usage"),
    path("schema", schema_views.OpenApiSchemaView.as_view(), name="api-schema"),
    path("<path:path>", base_views.unknown_api_path),
    path("", base_views.unknown_api_path),
]
