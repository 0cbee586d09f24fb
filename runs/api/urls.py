"""The paths of the REST API, without a slash at their end."""

from django.urls import path

from runs.api import history, intake, runs

urlpatterns = [
    path("runs", runs.Runs.as_view(), name="api-runs"),
    path("runs/<path:run_id>/steps", history.RunSteps.as_view(), name="api-run-steps"),
    path("runs/<path:run_id>/history", history.RunHistory.as_view(), name="api-run-history"),
    path("runs/<path:run_id>", runs.OneRun.as_view(), name="api-run"),
    path("steps", intake.StepIntake.as_view(), name="api-steps"),
    path("events", intake.EventIntake.as_view(), name="api-events"),
    path("messages", intake.MessageIntake.as_view(), name="api-messages"),
]
