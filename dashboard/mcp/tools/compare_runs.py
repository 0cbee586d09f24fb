"""`compare_runs`: what differs between two runs."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from dashboard.mcp.filters import MaxTokens, RunId, find_runs
from dashboard.mcp.run_differences import compare_two_runs, describe_differences
from dashboard.mcp.run_summary import summarize_run
from dashboard.mcp.tool import McpTool, ToolContext, nullable


class CompareRunsArguments(Struct, forbid_unknown_fields=True):
    """The arguments of `compare_runs`."""

    left: RunId
    right: RunId
    max_tokens: MaxTokens = 6_000


def _compare_runs(context: ToolContext, arguments: CompareRunsArguments) -> dict[str, Any]:
    runs = find_runs(context.project, {"left": arguments.left, "right": arguments.right})
    comparison = compare_two_runs(context.project, runs["left"], runs["right"], context.now)
    return {
        "left": summarize_run(runs["left"], comparison.assistant_names, context.links),
        "right": summarize_run(runs["right"], comparison.assistant_names, context.links),
        **describe_differences(comparison),
        "url": context.links.comparison(arguments.left, arguments.right),
    }


COMPARE_RUNS = McpTool(
    "compare_runs",
    "Compare two runs",
    "Show which fields of two runs differ: outcome, times, tokens, cost, model, settings, metadata and tool calls, "
    "with a line diff of the instructions and the changes of the tool definitions. Compare a failed run with one that "
    "completed; put the earlier one left.",
    CompareRunsArguments,
    _compare_runs,
    {
        "left": {"type": "object"},
        "right": {"type": "object"},
        "differences": {"type": "object", "description": "Lists of fields by topic."},
        "equal_fields": {"type": "array", "items": {"type": "string"}},
        "instructions_diff": nullable("object"),
        "tools_diff": nullable("object"),
        "url": {"type": "string"},
    },
)
