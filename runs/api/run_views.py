"""Reading runs: the objects as they were posted, and their history."""

from __future__ import annotations

import json
import re

from django.http import HttpResponse
from rest_framework.request import Request

from runs.api.base_views import ApiKeyView
from runs.api.ingest_views import RunIngestView
from runs.api.openapi.components import schema_ref
from runs.api.openapi.examples import RUN_EXAMPLE
from runs.api.openapi.operations import RUN_ID, answers, described, run_filters, takes
from runs.db.keyset_pagination import NEWEST_FIRST
from runs.errors import InvalidFilter, Problem
from runs.models import Run
from runs.protocol import lossless_json
from runs.query import RunFilters
from runs.query.order import parse_cursor, parse_order
from runs.team.deletion import delete_run

DEFAULT_RUN_PAGE_SIZE = 100
MAX_RUN_PAGE_SIZE = 500
_DIGITS = re.compile("[0-9]{1,3}")


@described(
    get=answers(
        "list_runs",
        "Runs as they were posted, newest first or in another order",
        schema_ref("RunList"),
        parameters=run_filters(MAX_RUN_PAGE_SIZE, DEFAULT_RUN_PAGE_SIZE),
    ),
    post=takes("Run", RUN_EXAMPLE, "runs"),
)
class RunListView(RunIngestView):
    """`/api/v1/runs`"""

    takes_parameters = frozenset({"GET", "HEAD"})

    def get(self, request: Request) -> HttpResponse:
        """A page of runs as they were posted, filtered and sorted like the page of the same name.

        `next_cursor` is the `cursor` of the next page, null after the last one.
        """
        query = dict(request.query_params.lists())
        filters = RunFilters.from_query(query, extra_params=("limit", "cursor", "sort"))
        limit = _limit(query.get("limit", []))
        sort, cursor = _one("sort", query), _one("cursor", query)
        order = parse_order(sort) if sort is not None else NEWEST_FIRST
        after = parse_cursor(cursor, order) if cursor is not None else None
        project = self.project(request)
        runs = Run.objects.in_project(project).with_configuration()
        found = filters.plan(project).fetch_page(runs, order, after, limit + 1)
        page = found[:limit]
        further = str(order.cursor_at(page[-1])) if len(found) > limit else None
        return _json(
            {
                "object": b'"list"',
                "data": b"[" + b",".join(run.as_json() for run in page) + b"]",
                "next_cursor": json.dumps(further).encode(),
            }
        )


@described(
    get=answers("get_run", "The run as it was posted last and accepted", schema_ref("Run"), 404, parameters=[RUN_ID]),
    delete=answers(
        "delete_run",
        "The run, its steps and its history are removed",
        None,
        404,
        parameters=[RUN_ID],
        scope="ingest",
    ),
)
class RunDetailView(ApiKeyView):
    """`/api/v1/runs/{run_id}`"""

    def get(self, request: Request, run_id: str) -> HttpResponse:
        """The run as it was posted last and accepted."""
        return _json(self.run(request, run_id).members())

    def delete(self, request: Request, run_id: str) -> HttpResponse:
        """Remove the run with its steps and its history; 204."""
        delete_run(self.run(request, run_id))
        return HttpResponse(status=204)


def _json(members: dict[str, bytes]) -> HttpResponse:
    return HttpResponse(lossless_json.join_members(members), content_type="application/json")


def _one(name: str, query: dict[str, list[str]]) -> str | None:
    """The value of a parameter, None where it was not given."""
    given = query.get(name, [])
    if len(given) > 1:
        raise InvalidFilter(f"{name}: given more than once", [Problem(name, "given more than once")])
    return given[0] if given else None


def _limit(given: list[str]) -> int:
    if not given:
        return DEFAULT_RUN_PAGE_SIZE
    if len(given) == 1 and _DIGITS.fullmatch(given[0]) and 1 <= int(given[0]) <= MAX_RUN_PAGE_SIZE:
        return int(given[0])
    message = f"expected a number from 1 to {MAX_RUN_PAGE_SIZE}"
    raise InvalidFilter(f"limit: {message}", [Problem("limit", message)])
