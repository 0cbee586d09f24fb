"""The view that deletes threads."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from runs.api.base_views import ApiKeyView
from runs.api.openapi.operations import THREAD_ID_PARAM, describe_deletion
from runs.errors import NotFound
from runs.protocol.lossless_json import clean_text
from runs.team.deletion import delete_thread


@extend_schema_view(
    delete=describe_deletion(
        "delete_thread",
        "Delete a thread",
        "Deletes all runs and messages of the thread, as if each run was deleted.",
        params=[THREAD_ID_PARAM],
    ),
)
class ThreadDetailView(ApiKeyView):
    """`/api/v1/threads/{thread_id}`."""

    def delete(self, request: Request, thread_id: str) -> HttpResponse:
        """Delete the thread with everything that only it used."""
        if not delete_thread(self.get_project(request), clean_text(thread_id), self.audit_deletion(request)):
            raise NotFound(f"No thread '{thread_id}'")
        return HttpResponse(status=204)
