"""`list_error_groups`: which errors occur, how often, and since when."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from dashboard.mcp.filters import RunQueryText, parse_run_query
from dashboard.mcp.page_links import PageLinks
from dashboard.mcp.posted_text import PostedText
from dashboard.mcp.tool import McpTool, ToolContext, list_of_objects
from dashboard.pages.errors.group_list import fetch_error_group_list
from dashboard.pages.errors.group_rows import ErrorGroupRow
from dashboard.pages.errors.links import build_error_group_term
from dashboard.pages.errors.params import ErrorGroupListParams
from runs.analytics.error_group_selection import ErrorGroupSort, ErrorGroupTab
from runs.analytics.usage import nano_to_usd


class ListErrorGroupsArguments(Struct, forbid_unknown_fields=True):
    """The arguments of `list_error_groups`."""

    query: RunQueryText = ""
    show: Annotated[
        Literal["open", "new", "resolved", "ignored", "all"],
        Meta(description="Groups by what the team decided; `new` were first seen within 24 hours."),
    ] = "open"
    assignee: Annotated[
        str, Meta(max_length=150, description="Only groups assigned to the user of this name; `none`: to nobody.")
    ] = ""
    sort: Annotated[
        Literal["runs", "last", "first"], Meta(description="Most runs, last seen or first seen come first.")
    ] = "runs"
    limit: Annotated[int, Meta(ge=1, le=50, description="The number of groups.")] = 10


def _list_error_groups(context: ToolContext, arguments: ListErrorGroupsArguments) -> dict[str, Any]:
    filters = parse_run_query(arguments.query)
    tab, sort = ErrorGroupTab(arguments.show), ErrorGroupSort(arguments.sort)
    params = ErrorGroupListParams(filters=filters, tab=tab, sort=sort, assigned=arguments.assignee)
    groups = fetch_error_group_list(context.project, params, context.now, arguments.limit)
    report = groups.report
    return {
        "period": params.range_text,
        "unsuccessful_runs": report.sums.runs,
        "group_counts": {str(tab): count for tab, count in groups.tab_counts.items()},
        "groups": [_describe_group(row, context.links) for row in groups.rows],
        "has_more": groups.has_next_page,
        "url": context.links.page("errors", replace(params, page=1).query_string().removeprefix("?")),
    }


def _describe_group(row: ErrorGroupRow, links: PageLinks) -> dict[str, Any]:
    stats, group = row.stats, row.group
    return {
        "id": group.pk.hex,
        "status": group.status,
        "code": group.code,
        "message": PostedText(group.template),
        "state": group.state,
        "has_regressed": stats.has_regressed,
        "current_state": str(stats.current_state),
        "ignored_until": group.ignored_until,
        "ignored_until_runs": group.ignored_until_runs,
        "ignored_until_at": group.ignored_until_at,
        "assignee": group.assignee and group.assignee.get_username(),
        "runs": stats.sums.runs,
        "runs_in_period_before": stats.previous_runs,
        "trend": str(stats.trend),
        "first_seen_at": stats.first_seen,
        "last_seen_at": stats.last_seen,
        "total_tokens": stats.sums.tokens,
        "cost_usd": nano_to_usd(stats.sums.cost),
        "assistants": list(row.assistants),
        "models": list(row.models),
        "query": build_error_group_term(group),
        "url": links.page("error-group", group_id=group.pk),
    }


LIST_ERROR_GROUPS = McpTool(
    "list_error_groups",
    "List error groups",
    "List the errors of failed, incomplete and expired runs, grouped by status, code and message, with the number of "
    "runs, the trend against the period before, when each was first and last seen, and the assistants and models that "
    "have it. Covers the last 14 days unless the query has a time, such as `created:-24h`.",
    ListErrorGroupsArguments,
    _list_error_groups,
    {
        "period": {"type": "string"},
        "unsuccessful_runs": {"type": "integer", "description": "In the period, in all groups."},
        "group_counts": {"type": "object", "description": "Numbers of groups by `show`."},
        "groups": list_of_objects("Each with a `query` that finds its runs."),
        "has_more": {"type": "boolean"},
        "url": {"type": "string"},
    },
)
