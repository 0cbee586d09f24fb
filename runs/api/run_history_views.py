"""What belongs to one run: the history of its posts, and its steps."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from rest_framework.request import Request

from runs.api.base_views import ApiKeyView
from runs.api.openapi.components import schema_ref
from runs.api.openapi.operations import RUN_ID, answers, described
from runs.models import ApiKey, Observation, RunStep
from runs.models.run_history import RunHistoryEntry, build_history_entries


@described(
    get=answers(
        "get_run_history",
        "Every post of the run that was kept, oldest first",
        {"type": "array", "items": schema_ref("HistoryEntry")},
        404,
        parameters=[RUN_ID],
    )
)
class RunHistoryView(ApiKeyView):
    """`/api/v1/runs/{run_id}/history`"""

    def get(self, request: Request, run_id: str) -> JsonResponse:
        """Every post that was kept, oldest first: the first, each that changed the run, each stale one."""
        run = self.run(request, run_id)
        found = build_history_entries(run, list(Observation.objects.of_run(run).for_list()))
        names = ApiKey.objects.names_by_id(entry.key_id for entry in found)
        return JsonResponse([_as_json(entry, names) for entry in found], safe=False)


@described(
    get=answers("list_run_steps", "The run's steps, oldest first", schema_ref("StepList"), 404, parameters=[RUN_ID])
)
class RunStepsView(ApiKeyView):
    """`/api/v1/runs/{run_id}/steps`"""

    def get(self, request: Request, run_id: str) -> HttpResponse:
        """The run's steps as they were posted last and accepted, oldest first, in a list envelope."""
        run = self.run(request, run_id)
        steps = [step.as_json() for step in RunStep.objects.of_run(run).oldest_first()]
        return HttpResponse(b'{"object":"list","data":[' + b",".join(steps) + b"]}", content_type="application/json")


def _as_json(entry: RunHistoryEntry, key_names: dict[int, str]) -> dict[str, Any]:
    return {
        "n": entry.n,
        "outcome": entry.outcome,
        "received_at": entry.received_at.isoformat().replace("+00:00", "Z"),
        "key": None if entry.key_id is None else key_names.get(entry.key_id),
        "status_before": entry.status_before,
        "status_after": entry.status_after,
        "changed": list(entry.changed),
        "conflict": entry.conflict,
    }
