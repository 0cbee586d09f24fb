"""Views of the Assistants API. Objects are returned in their latest state, exactly as they were posted.

An object of another thread or run than the one in the path is treated as if it did not exist.
"""

# ruff: noqa: ARG002 - not every view needs all arguments of the methods it implements

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, NoReturn

from django.db.models import Min, QuerySet
from rest_framework.request import Request

from runs.api.assistants_compat.base_views import INCLUDE_PARAM, AssistantsCompatView, CompatListView, CompatObjectView
from runs.api.assistants_compat.errors import AssistantsApiError, object_not_found
from runs.api.assistants_compat.pagination import LIST_PARAMS, ObjectListParams, ObjectPage, fetch_object_page
from runs.models import Message, Project, Run, RunAlias, RunStep
from runs.models.message import MessageQuerySet
from runs.protocol.lossless_json import clean_text
from runs.query import RunFilters

_BY_KEY = ("created_at", "id")
_STEP_LIST_ORDER = ("created_at", "position", "external_id")
_BY_THREAD_ID = ("created_at", "thread_id")


class CompatThreadListView(CompatListView):
    """`/threads`."""

    def fetch_page(self, project: Project, params: ObjectListParams, query: dict[str, str]) -> ObjectPage:
        """Return a page of threads.

        Threads are not posted themselves: they exist because of their runs and messages.
        """
        runs, messages = Run.objects.in_project(project), Message.objects.in_project(project)
        first_records = (runs.opening_threads(messages), messages.opening_threads(runs))
        page = fetch_object_page(
            params,
            _BY_THREAD_ID,
            lambda thread_id: (_fetch_thread_created_at(project, thread_id), clean_text(thread_id)),
            *(records.values_list(*_BY_THREAD_ID) for records in first_records),
        )
        threads = [_build_thread_members(thread_id, created_at) for created_at, thread_id in page.records]
        return ObjectPage(threads, page.has_more)


class CompatThreadView(CompatObjectView):
    """`/threads/{thread_id}`."""

    def fetch_members(self, project: Project) -> dict[str, bytes]:
        """Return the thread."""
        thread_id = self.kwargs["thread_id"]
        return _build_thread_members(thread_id, _fetch_thread_created_at(project, thread_id))


class CompatRunListView(CompatListView):
    """`/threads/{thread_id}/runs`."""

    applies_key_query = True

    def fetch_page(self, project: Project, params: ObjectListParams, query: dict[str, str]) -> ObjectPage:
        """Return a page of the runs of the thread."""
        thread_id = self.kwargs["thread_id"]
        runs = Run.objects.in_thread(project, clean_text(thread_id))
        if filters := self.apply_key_query(self.request, RunFilters()):
            runs = runs.filter(filters.build_condition(project))

        def find_position(run_id: str) -> Sequence[Any]:
            run = runs.filter(pk=project.record_id(run_id))
            return _fetch_position(run, _BY_KEY, object_not_found("run", run_id))

        page = fetch_object_page(params, _BY_KEY, find_position, runs.with_configuration())
        if filters and not page.records and not runs.exists():  # whether there are others is not told
            raise object_not_found("thread", thread_id)
        return _to_page_of_thread(page, project, thread_id)


class CompatRunView(CompatObjectView):
    """`/threads/{thread_id}/runs/{run_id}`."""

    applies_key_query = True

    def fetch_members(self, project: Project) -> dict[str, bytes]:
        """Return the run."""
        return _get_run_of_thread(self, project).members()


class CompatStepListView(CompatListView):
    """`/threads/{thread_id}/runs/{run_id}/steps`."""

    applies_key_query = True
    known_params: ClassVar[tuple[str, ...]] = (*LIST_PARAMS, INCLUDE_PARAM)

    def fetch_page(self, project: Project, params: ObjectListParams, query: dict[str, str]) -> ObjectPage:
        """Return a page of the steps of the run."""
        steps = RunStep.objects.of_run(_get_run_of_thread(self, project))

        def find_position(step_id: str) -> Sequence[Any]:
            step = steps.filter(external_id=clean_text(step_id))
            return _fetch_position(step, _STEP_LIST_ORDER, object_not_found("run step", step_id))

        page = fetch_object_page(params, _STEP_LIST_ORDER, find_position, steps)
        return ObjectPage([step.members() for step in page.records], page.has_more)


class CompatStepView(CompatObjectView):
    """`/threads/{thread_id}/runs/{run_id}/steps/{step_id}`."""

    applies_key_query = True
    known_params: ClassVar[tuple[str, ...]] = (INCLUDE_PARAM,)

    def fetch_members(self, project: Project) -> dict[str, bytes]:
        """Return the step."""
        step_id = self.kwargs["step_id"]
        steps = RunStep.objects.of_run(_get_run_of_thread(self, project))
        step = steps.filter(external_id=clean_text(step_id)).first()
        if step is None:
            raise object_not_found("run step", step_id)
        return step.members()


class CompatMessageListView(CompatListView):
    """`/threads/{thread_id}/messages`, with the optional parameter `run_id`."""

    known_params: ClassVar[tuple[str, ...]] = (*LIST_PARAMS, "run_id")

    def fetch_page(self, project: Project, params: ObjectListParams, query: dict[str, str]) -> ObjectPage:
        """Return a page of the messages of the thread, or of those that one run wrote."""
        thread_id = self.kwargs["thread_id"]
        of_thread = Message.objects.in_thread(project, clean_text(thread_id))

        def find_position(message_id: str) -> Sequence[Any]:
            message = _find_message(of_thread, project, message_id)
            return message.created_at, message.pk

        messages = of_thread
        if "run_id" in query:
            messages = of_thread.filter(run_external_id=clean_text(query["run_id"]))
        return _to_page_of_thread(fetch_object_page(params, _BY_KEY, find_position, messages), project, thread_id)


class CompatMessageView(CompatObjectView):
    """`/threads/{thread_id}/messages/{message_id}`."""

    def fetch_members(self, project: Project) -> dict[str, bytes]:
        """Return the message."""
        message_id = self.kwargs["message_id"]
        messages = Message.objects.in_thread(project, clean_text(self.kwargs["thread_id"]))
        return _find_message(messages, project, message_id).members()


class CompatUnknownPathView(AssistantsCompatView):
    """Every other path."""

    def get(self, request: Request, **ids: str) -> NoReturn:
        """Raise the error that the Assistants API returns for unknown paths."""
        raise AssistantsApiError(404, f"Invalid URL ({request.method} {request.path})")


def _fetch_thread_created_at(project: Project, thread_id: str) -> datetime:
    """Return the creation time of the oldest run or message of a thread.

    Raises:
        AssistantsApiError: the thread has neither.
    """
    stored_id = clean_text(thread_id)
    record_sets = (Run.objects.in_thread(project, stored_id), Message.objects.in_thread(project, stored_id))
    times = [records.aggregate(first=Min("created_at"))["first"] for records in record_sets]
    known_times: list[datetime] = [time for time in times if time is not None]
    if not known_times:
        raise object_not_found("thread", thread_id)
    return min(known_times)


def _build_thread_members(thread_id: str, created_at: datetime) -> dict[str, bytes]:
    """Return the members of a thread as JSON texts. Its other members are unknown."""
    thread = {
        "id": thread_id,
        "object": "thread",
        "created_at": int(created_at.timestamp()),
        "tool_resources": None,
        "metadata": {},
    }
    return {name: json.dumps(value).encode() for name, value in thread.items()}


def _get_run_of_thread(view: AssistantsCompatView, project: Project) -> Run:
    """Return the run with the ids in the path.

    Raises:
        AssistantsApiError: the thread has no such run, or the API key may not read it.
    """
    run_id = view.kwargs["run_id"]
    run = RunAlias.objects.resolve_run(project, run_id)
    is_in_thread = run is not None and run.thread_id == clean_text(view.kwargs["thread_id"])
    if run is None or not is_in_thread or not view.is_readable(view.request, run):
        raise object_not_found("run", run_id)
    return run


def _find_message(messages: MessageQuerySet, project: Project, message_id: str) -> Message:
    """Return the message with that posted id. The key of a derived one is another than that of a posted one.

    Raises:
        AssistantsApiError: there is none.
    """
    message = messages.filter(pk=project.record_id(message_id)).first()
    if message is None:
        message = messages.filter(external_id=clean_text(message_id)).order_by(*_BY_KEY).first()
    if message is None:
        raise object_not_found("message", message_id)
    return message


def _fetch_position(records: QuerySet[Any], columns: Sequence[str], not_found: AssistantsApiError) -> Sequence[Any]:
    position: Sequence[Any] | None = records.values_list(*columns).first()
    if position is None:
        raise not_found
    return position


def _to_page_of_thread(page: ObjectPage, project: Project, thread_id: str) -> ObjectPage:
    """Return the page with the members of its records.

    Raises:
        AssistantsApiError: the page is empty because the thread does not exist.
    """
    if not page.records:
        _fetch_thread_created_at(project, thread_id)
    return ObjectPage([record.members() for record in page.records], page.has_more)
