"""Views that list, return and delete runs and their steps."""

from __future__ import annotations

import re

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_view
from msgspec import UNSET
from rest_framework.request import Request

from runs.analytics.linked_runs import MAX_LINKED_RUNS, fetch_linked_runs
from runs.analytics.search_notices import fetch_search_notices
from runs.api.base_views import ApiKeyView
from runs.api.ingest_views import RunIngestView
from runs.api.openapi.examples import RUN_EXAMPLE
from runs.api.openapi.operations import (
    RUN_ID_PARAM,
    describe_deletion,
    describe_ingest,
    describe_read,
    run_list_params,
)
from runs.api.openapi.schemas import schema_ref
from runs.api.responses import (
    LinkedRunsResponse,
    RunListResponse,
    StepListResponse,
    join_array,
    raw_json_response,
)
from runs.db.keyset_pagination import NEWEST_FIRST
from runs.errors import InvalidFilter, NotFound, Problem
from runs.models import Run, RunStep
from runs.protocol.lossless_json import join_members
from runs.query import RunFilters
from runs.query.order import parse_cursor, parse_order
from runs.team.deletion import delete_runs

DEFAULT_RUN_PAGE_SIZE = 100
MAX_RUN_PAGE_SIZE = 500
_UP_TO_THREE_DIGITS = re.compile("[0-9]{1,3}")


@extend_schema_view(
    get=describe_read(
        "list_runs",
        "List runs",
        RunListResponse,
        "Returns a page of runs as they were posted, newest first unless `sort` says otherwise.",
        params=run_list_params(DEFAULT_RUN_PAGE_SIZE, MAX_RUN_PAGE_SIZE),
    ),
    post=describe_ingest("runs", "Run", RUN_EXAMPLE, "Stores `thread.run` objects."),
)
class RunListView(RunIngestView):
    """`/api/v1/runs`."""

    methods_with_params = frozenset({"GET", "HEAD"})
    applies_key_query = True

    def get(self, request: Request) -> HttpResponse:
        """Return a page of the runs that match the filters."""
        query = dict(request.query_params.lists())
        filters = RunFilters.parse_params(query, extra_params=("limit", "cursor", "sort"))
        limit = _parse_limit(query.get("limit", []))
        sort, cursor = _get_single(query, "sort"), _get_single(query, "cursor")
        order = NEWEST_FIRST if sort is None else parse_order(sort)
        after = None if cursor is None else parse_cursor(cursor, order)
        project = self.get_project(request)

        runs = Run.objects.in_project(project).with_configuration()
        # one run more than the page holds tells whether there is a next page
        plan = self.apply_key_query(request, filters).plan(project)
        fetched = plan.fetch_page(runs, order, after, limit + 1)
        page = fetched[:limit]

        next_cursor = str(order.cursor_at(page[-1])) if len(fetched) > limit else None
        notices = fetch_search_notices(project, plan.tree, has_matches=bool(page or after)) or UNSET
        return raw_json_response(RunListResponse(join_array(run.as_json() for run in page), next_cursor, notices))


@extend_schema_view(
    get=describe_read(
        "get_run",
        "Get a run",
        schema_ref("Run"),
        "Returns the latest accepted snapshot of the run, exactly as it was posted.",
        404,
        params=[RUN_ID_PARAM],
    ),
    delete=describe_deletion(
        "delete_run",
        "Delete a run",
        "Deletes the run, its steps, history, tags and comments, the messages that it wrote, and what nothing else "
        "uses: messages of a thread without other runs, configurations, tool definitions, names of assistants, error "
        "groups and metadata values.",
        params=[RUN_ID_PARAM],
    ),
)
class RunDetailView(ApiKeyView):
    """`/api/v1/runs/{run_id}`."""

    applies_key_query = True

    def get(self, request: Request, run_id: str) -> HttpResponse:
        """Return the latest accepted snapshot of the run."""
        run = self.get_run(request, run_id)
        return HttpResponse(join_members(run.members()), content_type="application/json")

    def delete(self, request: Request, run_id: str) -> HttpResponse:
        """Delete the run with everything that only it used."""
        if not delete_runs(self.get_project(request), [run_id], self.audit_deletion(request)):
            raise NotFound(f"No run '{run_id}'")
        return HttpResponse(status=204)


@extend_schema_view(
    get=describe_read(
        "list_run_steps",
        "List the steps of a run",
        StepListResponse,
        "Returns the steps of the run, oldest first.",
        404,
        params=[RUN_ID_PARAM],
    )
)
class RunStepsView(ApiKeyView):
    """`/api/v1/runs/{run_id}/steps`."""

    applies_key_query = True

    def get(self, request: Request, run_id: str) -> HttpResponse:
        """Return the latest accepted snapshots of the steps, oldest first."""
        steps = RunStep.objects.of_run(self.get_run(request, run_id)).oldest_first()
        return raw_json_response(StepListResponse(join_array(step.as_json() for step in steps)))


@extend_schema_view(
    get=describe_read(
        "list_linked_runs",
        "List the runs that are linked with a run",
        LinkedRunsResponse,
        "Returns the runs that tell of the same work: those of the responses that a trace names, and those of the "
        f"traces that name a response. At most {MAX_LINKED_RUNS}; none for runs of assistants.",
        404,
        params=[RUN_ID_PARAM],
    )
)
class LinkedRunsView(ApiKeyView):
    """`/api/v1/runs/{run_id}/linked_runs`."""

    def get(self, request: Request, run_id: str) -> HttpResponse:
        """Return the linked runs as posted or derived."""
        linked = fetch_linked_runs(self.get_run(request, run_id))
        return raw_json_response(LinkedRunsResponse(join_array(run.as_json() for run in linked)))


def _get_single(query: dict[str, list[str]], name: str) -> str | None:
    values = query.get(name, [])
    if len(values) > 1:
        raise InvalidFilter(f"{name}: given more than once", [Problem(name, "given more than once")])
    return values[0] if values else None


def _parse_limit(values: list[str]) -> int:
    if not values:
        return DEFAULT_RUN_PAGE_SIZE
    if len(values) == 1 and _UP_TO_THREE_DIGITS.fullmatch(values[0]) and 1 <= int(values[0]) <= MAX_RUN_PAGE_SIZE:
        return int(values[0])
    message = f"expected one number from 1 to {MAX_RUN_PAGE_SIZE}"
    raise InvalidFilter(f"limit: {message}", [Problem("limit", message)])
