"""The paths of the REST API, without a slash at their end."""

from django.urls import path

from runs import addresses  # noqa: F401 - registers posted_id
from runs.api import history, intake, runs, schema, usage, views

urlpatterns = [
    path("runs", runs.Runs.as_view(), name="api-runs"),
    path("runs/<posted_id:run_id>/steps", history.RunSteps.as_view(), name="api-run-steps"),
    path("runs/<posted_id:run_id>/history", history.RunHistory.as_view(), name="api-run-history"),
    path("runs/<posted_id:run_id>", runs.OneRun.as_view(), name="api-run"),
    path("steps", intake.StepIntake.as_view(), name="api-steps"),
    path("events", intake.EventIntake.as_view(), name="api-events"),
    path("messages", intake.MessageIntake.as_view(), name="api-messages"),
    path("assistants", intake.AssistantIntake.as_view(), name="api-assistants"),
    path("usage", usage.UsageView.as_view(), name="api-usage"),
    path("schema", schema.Schema.as_view(), name="api-schema"),
    path("docs", schema.Docs.as_view(), name="api-docs"),
    path("<path:path>", views.unknown_path),
    path("", views.unknown_path),
]
