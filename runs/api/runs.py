"""Reading runs: the objects as they were posted, and their history."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from runs.api.intake import RunIntake
from runs.api.views import KeyedView
from runs.errors import NotFound
from runs.models import Run


class Runs(RunIntake):
    """`/api/v1/runs`"""


class OneRun(KeyedView):
    """`/api/v1/runs/{run_id}`"""

    def get(self, request: Request, run_id: str) -> HttpResponse:
        """The run as it was posted last and accepted."""
        run = Run.objects.find(self.project(request), run_id)
        if run is None:
            raise NotFound(f"No run '{run_id}'")
        return HttpResponse(run.as_json(), content_type="application/json")
