"""The endpoints that clients read from; every object is given as it was stored, in its newest state.

An object that belongs to another thread or run than the path says is not found, as if it didn't exist.
"""

# ruff: noqa: ARG002 - each view takes what it needs of what all are given

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NoReturn

from django.db.models import QuerySet
from rest_framework.request import Request

from runs.api.assistants_compat import threads
from runs.api.assistants_compat.base_views import INCLUDE_PARAM, AssistantsCompatView, CompatListView, CompatObjectView
from runs.api.assistants_compat.errors import AssistantsApiError, object_not_found
from runs.api.assistants_compat.pagination import LIST_PARAMS, ObjectListParams, ObjectPage, fetch_object_page
from runs.models import Message, Project, Run, RunStep
from runs.models.run_step import StepQuerySet
from runs.protocol.lossless_json import clean_text

_BY_KEY = ("created_at", "id")
_BY_ID = ("created_at", "external_id")


class CompatThreadListView(CompatListView):
    """`/threads`"""

    def page(self, project: Project, wanted: ObjectListParams, query: dict[str, str]) -> ObjectPage:
        return threads.fetch_thread_page(project, wanted)


class CompatThreadView(CompatObjectView):
    """`/threads/{thread_id}`"""

    def members(self, project: Project) -> dict[str, bytes]:
        thread_id = self.kwargs["thread_id"]
        return threads.build_thread_object(thread_id, threads.fetch_thread_created_at(project, thread_id))


class CompatRunListView(CompatListView):
    """`/threads/{thread_id}/runs`"""

    def page(self, project: Project, wanted: ObjectListParams, query: dict[str, str]) -> ObjectPage:
        thread_id = self.kwargs["thread_id"]
        runs = Run.objects.in_thread(project, clean_text(thread_id))
        page = fetch_object_page(wanted, _BY_KEY, _keyed(runs, project, "run"), runs.with_configuration())
        return _of_thread(page, project, thread_id)


class CompatRunView(CompatObjectView):
    """`/threads/{thread_id}/runs/{run_id}`"""

    def members(self, project: Project) -> dict[str, bytes]:
        run_id = self.kwargs["run_id"]
        run = Run.objects.find(project, run_id)
        if run is None or run.thread_id != clean_text(self.kwargs["thread_id"]):
            raise object_not_found("run", run_id)
        return run.members()


class CompatStepListView(CompatListView):
    """`/threads/{thread_id}/runs/{run_id}/steps`"""

    parameters: ClassVar[tuple[str, ...]] = (*LIST_PARAMS, INCLUDE_PARAM)

    def page(self, project: Project, wanted: ObjectListParams, query: dict[str, str]) -> ObjectPage:
        steps = _steps(project, self.kwargs["thread_id"], self.kwargs["run_id"])

        def position(cursor: str) -> Sequence[Any]:
            return _position(steps.filter(external_id=clean_text(cursor)), _BY_ID, object_not_found("run step", cursor))

        page = fetch_object_page(wanted, _BY_ID, position, steps)
        return ObjectPage([step.members() for step in page.records], page.has_more)


class CompatStepView(CompatObjectView):
    """`/threads/{thread_id}/runs/{run_id}/steps/{step_id}`"""

    parameters: ClassVar[tuple[str, ...]] = (INCLUDE_PARAM,)

    def members(self, project: Project) -> dict[str, bytes]:
        step_id = self.kwargs["step_id"]
        steps = _steps(project, self.kwargs["thread_id"], self.kwargs["run_id"])
        step = steps.filter(external_id=clean_text(step_id)).first()
        if step is None:
            raise object_not_found("run step", step_id)
        return step.members()


class CompatMessageListView(CompatListView):
    """`/threads/{thread_id}/messages`, all of them or those that one run wrote."""

    parameters: ClassVar[tuple[str, ...]] = (*LIST_PARAMS, "run_id")

    def page(self, project: Project, wanted: ObjectListParams, query: dict[str, str]) -> ObjectPage:
        thread_id = self.kwargs["thread_id"]
        messages = Message.objects.in_thread(project, clean_text(thread_id))
        position = _keyed(messages, project, "message")
        if "run_id" in query:
            messages = messages.filter(run_external_id=clean_text(query["run_id"]))
        return _of_thread(fetch_object_page(wanted, _BY_KEY, position, messages), project, thread_id)


class CompatMessageView(CompatObjectView):
    """`/threads/{thread_id}/messages/{message_id}`"""

    def members(self, project: Project) -> dict[str, bytes]:
        message_id = self.kwargs["message_id"]
        messages = Message.objects.in_thread(project, clean_text(self.kwargs["thread_id"]))
        message = messages.filter(pk=project.record_id(message_id)).first()
        if message is None:
            raise object_not_found("message", message_id)
        return message.members()


class CompatUnknownPathView(AssistantsCompatView):
    """Every other path."""

    def get(self, request: Request, **ids: str) -> NoReturn:
        """404, in the hosted API's words."""
        raise AssistantsApiError(404, f"Invalid URL ({request.method} {request.path})")


def _steps(project: Project, thread_id: str, run_id: str) -> StepQuerySet:
    """The steps of a run. Raises ClientError where the thread has no such run."""
    key = project.record_id(run_id)
    if not Run.objects.in_thread(project, clean_text(thread_id)).filter(pk=key).exists():
        raise object_not_found("run", run_id)
    return RunStep.objects.filter(run_id=key)


def _keyed(records: QuerySet[Any], project: Project, kind: str) -> Callable[[str], Sequence[Any]]:
    return lambda cursor: _position(
        records.filter(pk=project.record_id(cursor)), _BY_KEY, object_not_found(kind, cursor)
    )


def _position(records: QuerySet[Any], columns: Sequence[str], missing: AssistantsApiError) -> Sequence[Any]:
    found: Sequence[Any] | None = records.values_list(*columns).first()
    if found is None:
        raise missing
    return found


def _of_thread(page: ObjectPage, project: Project, thread_id: str) -> ObjectPage:
    """The page as members. Raises ClientError where it is empty because nothing is known of the thread."""
    if not page.records:
        threads.fetch_thread_created_at(project, thread_id)
    return ObjectPage([record.members() for record in page.records], page.has_more)
