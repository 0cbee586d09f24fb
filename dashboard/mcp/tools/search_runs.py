"""`search_runs`: the runs that match a query."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from dashboard.mcp.answer_rendering import CompleteList
from dashboard.mcp.filters import RunQueryText, parse_run_query
from dashboard.mcp.run_summary import summarize_run
from dashboard.mcp.tool import McpTool, ToolContext, list_of_objects, nullable
from runs.analytics.errors import count_matching_runs
from runs.db.keyset_pagination import SORT_NAMES
from runs.models import Assistant, Run
from runs.query.order import parse_cursor, parse_order

_SORT_HELP = f"The order: one of {', '.join(SORT_NAMES)}; with a minus sign the largest or newest come first."


class SearchRunsArguments(Struct, forbid_unknown_fields=True):
    """The arguments of `search_runs`."""

    query: RunQueryText = ""
    sort: Annotated[str, Meta(max_length=20, description=_SORT_HELP)] = "-created"
    limit: Annotated[int, Meta(ge=1, le=50, description="The number of runs.")] = 10
    cursor: Annotated[
        str, Meta(max_length=200, description="`next_cursor` of the page before, with the same query and sort.")
    ] = ""


def _search_runs(context: ToolContext, arguments: SearchRunsArguments) -> dict[str, Any]:
    filters = parse_run_query(arguments.query)
    order = parse_order(arguments.sort)
    after = parse_cursor(arguments.cursor, order) if arguments.cursor else None
    runs = Run.objects.in_project(context.project).for_list()
    # one run more than the page holds tells whether there is a next page
    fetched = filters.plan(context.project, context.now).fetch_page(runs, order, after, arguments.limit + 1)
    page = fetched[: arguments.limit]
    count, is_capped = count_matching_runs(context.project, filters, context.now)
    names = Assistant.objects.names_by_id(context.project, {run.assistant_id for run in page})
    return {
        "meaning": filters.describe(),
        "matching_runs": count,
        "has_more_matches_than_counted": is_capped,
        "runs": CompleteList(summarize_run(run, names, context.links, run.error_preview) for run in page),
        "next_cursor": str(order.cursor_at(page[-1])) if len(fetched) > arguments.limit else None,
        "url": context.links.runs(filters),
    }


SEARCH_RUNS = McpTool(
    "search_runs",
    "Search runs",
    "Find runs of the project with a query, such as `status:failed model:gpt-4o created:-24h`, and see what the query "
    "means, how many runs match, and a page of them with status, model, assistant, duration, tokens, cost and error. "
    "Start here; then call explain_failure or get_run with the id of a run.",
    SearchRunsArguments,
    _search_runs,
    {
        "meaning": {"type": "string", "description": "The query in words."},
        "matching_runs": {"type": "integer"},
        "has_more_matches_than_counted": {"type": "boolean"},
        "runs": list_of_objects("The runs of this page."),
        "next_cursor": nullable("string", "Null on the last page."),
        "url": {"type": "string"},
    },
)
