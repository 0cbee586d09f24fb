"""Views that return the history of runs, steps and messages, and the snapshot of each post in it."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework.request import Request

from runs.api.base_views import ApiKeyView
from runs.api.openapi.operations import (
    MESSAGE_ID_PARAM,
    RUN_ID_PARAM,
    STEP_ID_PARAM,
    VERSION_PARAM,
    describe_read,
)
from runs.api.openapi.schemas import schema_ref
from runs.api.responses import HistoryEntryResponse, json_object_response
from runs.errors import NotFound
from runs.ingest import Outcome
from runs.models import ApiKey, Message, RunStep, find_observations
from runs.models.record_history import HistoryRecord, build_history_entries, rebuild_version
from runs.protocol.lossless_json import join_members


class RecordLookupView(ApiKeyView):
    """A view of one record, which `find_record` returns."""

    def find_record(self, request: Request, **ids: str) -> HistoryRecord:
        """Return the record with these posted ids. Raises NotFound."""
        raise NotImplementedError


class RecordHistoryView(RecordLookupView):
    """A view of the history of a record."""

    def get(self, request: Request, **ids: str) -> JsonResponse:
        """Return every recorded post of the record, oldest first."""
        record = self.find_record(request, **ids)
        entries = build_history_entries(record, list(find_observations(record).for_list()))
        key_names = ApiKey.objects.names_by_id(entry.key_id for entry in entries)
        return json_object_response(
            [
                HistoryEntryResponse(
                    n=entry.n,
                    outcome=Outcome(entry.outcome),
                    received_at=entry.received_at,
                    key=None if entry.key_id is None else key_names.get(entry.key_id),
                    status_before=entry.status_before or None,
                    status_after=entry.status_after or None,
                    changed=list(entry.changed),
                    conflict=entry.conflict,
                )
                for entry in entries
            ]
        )


class RecordVersionView(RecordLookupView):
    """A view of one post in the history of a record."""

    def get(self, request: Request, n: int, **ids: str) -> HttpResponse:
        """Return the object exactly as it was posted. Raises NotFound if the history has no such post."""
        record = self.find_record(request, **ids)
        version = rebuild_version(record, find_observations(record).needed_for_versions(n), n)
        if version is None:
            raise NotFound(f"No post {n} in the history")
        return HttpResponse(join_members(dict(version.members)), content_type="application/json")


class RunLookupView(RecordLookupView):
    """A view of a run by its id."""

    def find_record(self, request: Request, **ids: str) -> HistoryRecord:
        """Return the run."""
        return self.get_run(request, ids["run_id"])


class StepLookupView(RecordLookupView):
    """A view of a step by the ids of its run and its own. The run may not have arrived yet."""

    def find_record(self, request: Request, **ids: str) -> HistoryRecord:
        """Return the step."""
        run_pk = self.get_project(request).record_id(ids["run_id"])
        step = RunStep.objects.filter(run_id=run_pk, external_id=ids["step_id"]).first()
        if step is None:
            raise NotFound(f"No step '{ids['step_id']}' of run '{ids['run_id']}'")
        return step


class MessageLookupView(RecordLookupView):
    """A view of a message by its id."""

    def find_record(self, request: Request, **ids: str) -> HistoryRecord:
        """Return the message."""
        message = Message.objects.filter(pk=self.get_project(request).record_id(ids["message_id"])).first()
        if message is None:
            raise NotFound(f"No message '{ids['message_id']}'")
        return message


def _describe_history(name: str, *params: OpenApiParameter) -> object:
    return describe_read(
        f"get_{name}_history",
        f"Get the history of a {name}",
        {"type": "array", "items": schema_ref(HistoryEntryResponse)},
        f"Returns every recorded post of the {name}, oldest first: when it arrived, with which API key, and what it "
        "changed.",
        404,
        params=params,
    )


def _describe_version(name: str, *params: OpenApiParameter) -> object:
    return describe_read(
        f"get_{name}_version",
        f"Get a posted version of a {name}",
        schema_ref(name.capitalize()),
        f"Returns the {name} exactly as it was posted at this position of its history.",
        404,
        params=[*params, VERSION_PARAM],
    )


@extend_schema_view(get=_describe_history("run", RUN_ID_PARAM))
class RunHistoryView(RunLookupView, RecordHistoryView):
    """`/api/v1/runs/{run_id}/history`."""


@extend_schema_view(get=_describe_version("run", RUN_ID_PARAM))
class RunVersionView(RunLookupView, RecordVersionView):
    """`/api/v1/runs/{run_id}/history/{n}`."""


@extend_schema_view(get=_describe_history("step", RUN_ID_PARAM, STEP_ID_PARAM))
class StepHistoryView(StepLookupView, RecordHistoryView):
    """`/api/v1/runs/{run_id}/steps/{step_id}/history`."""


@extend_schema_view(get=_describe_version("step", RUN_ID_PARAM, STEP_ID_PARAM))
class StepVersionView(StepLookupView, RecordVersionView):
    """`/api/v1/runs/{run_id}/steps/{step_id}/history/{n}`."""


@extend_schema_view(get=_describe_history("message", MESSAGE_ID_PARAM))
class MessageHistoryView(MessageLookupView, RecordHistoryView):
    """`/api/v1/messages/{message_id}/history`."""


@extend_schema_view(get=_describe_version("message", MESSAGE_ID_PARAM))
class MessageVersionView(MessageLookupView, RecordVersionView):
    """`/api/v1/messages/{message_id}/history/{n}`."""
