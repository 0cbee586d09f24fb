"""`list_tools_health`: how often tools are called, fail, and are called wrongly."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from dashboard.mcp.page_links import PageLinks
from dashboard.mcp.posted_text import posted_text
from dashboard.mcp.tool import McpTool, ToolContext, list_of_objects
from dashboard.pages.tools.params import ToolListParams, ToolSort, ToolTab, ToolTimeRange
from dashboard.pages.tools.tool_list import fetch_tool_list
from runs.analytics.tools import MAX_SAMPLED_STEPS, ToolSummary
from runs.errors import InvalidFilter, Problem
from runs.query.text_limits import find_text_problem

MAX_SEARCH_LENGTH = 200
MAX_LISTED_ASSISTANTS = 10


class ListToolsHealthArguments(Struct, forbid_unknown_fields=True):
    """The arguments of `list_tools_health`."""

    range: Annotated[Literal["24h", "7d", "30d"], Meta(description="The period up to now.")] = "7d"
    show: Annotated[
        Literal["all", "failed", "invalid", "uncalled", "differing"],
        Meta(description="All tools, those with failed or invalid calls, never called ones, or with several schemas."),
    ] = "all"
    contains: Annotated[str, Meta(description="Words of the name, the type or the description.")] = ""
    sort: Annotated[
        Literal["calls", "failed", "invalid", "p50", "p95", "last", "name"], Meta(description="Largest first.")
    ] = "failed"
    limit: Annotated[int, Meta(ge=1, le=100, description="The number of tools.")] = 20


def _list_tools_health(context: ToolContext, arguments: ListToolsHealthArguments) -> dict[str, Any]:
    if problem := find_text_problem(arguments.contains, MAX_SEARCH_LENGTH):
        raise InvalidFilter(f"contains: {problem}", [Problem("contains", problem)])
    params = ToolListParams(
        range=ToolTimeRange(arguments.range),
        tab=ToolTab(arguments.show),
        q=arguments.contains.strip(),
        sort=ToolSort(arguments.sort),
    )
    buckets = params.range.build_buckets(context.now)
    found = fetch_tool_list(context.project, params, buckets)
    return {
        "since": buckets.start,
        "tool_counts": {str(tab): count for tab, count in found.tab_counts.items()},
        "tools": [_describe_tool_health(tool, context.links) for tool in found.tools[: arguments.limit]],
        "has_more": len(found.tools) > arguments.limit,
        "durations_over_newest_steps": MAX_SAMPLED_STEPS,
        "url": context.links.page("tools", params.query_string().removeprefix("?")),
    }


def _describe_tool_health(tool: ToolSummary, links: PageLinks) -> dict[str, Any]:
    counts, metrics, definition = tool.counts, tool.metrics, tool.definition
    return {
        "name": tool.name,
        "type": tool.type,
        "description": posted_text(definition.description) if definition else None,
        "calls": counts.calls,
        "failed_calls": counts.failed,
        "validated_calls": counts.checked,
        "invalid_calls": counts.invalid,
        "p50_ms": metrics.p50_ms if metrics else None,
        "p95_ms": metrics.p95_ms if metrics else None,
        "last_call_at": tool.last_at,
        "schema_versions": tool.version_count,
        "defined_in": definition.assistants[:MAX_LISTED_ASSISTANTS] if definition else [],
        "called_as": list(tool.called_as[:MAX_LISTED_ASSISTANTS]),
        "url": links.page("tool", tool_type=tool.type, tool_name=tool.name),
    }


LIST_TOOLS_HEALTH = McpTool(
    "list_tools_health",
    "List the health of tools",
    "List the tools and functions that agents have or called: numbers of calls, of calls in failed steps, and of calls "
    "whose arguments violate the tool's schema, durations, schema versions and the assistants that define them. Find "
    "the runs behind a number with the queries `failed_call:NAME` and `invalid_call:NAME`.",
    ListToolsHealthArguments,
    _list_tools_health,
    {
        "since": {"type": "string"},
        "tool_counts": {"type": "object", "description": "Numbers of tools by `show`."},
        "tools": list_of_objects("The tools."),
        "has_more": {"type": "boolean"},
        "url": {"type": "string"},
    },
)
