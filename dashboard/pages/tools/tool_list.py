"""Select the tools of the list, for the page and for its downloads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboard.pages.tools.params import ToolListParams, ToolSort, ToolTab
from runs.analytics.tools import ToolSummary, fetch_tool_overview
from runs.models import Project
from runs.rollups.time_buckets import TimeBuckets


@dataclass(frozen=True, slots=True)
class ToolList:
    """The tools of a project.

    Attributes:
        all_tools: all of them.
        tab_counts: how many tools that match the search are in each tab.
        tools: the tools of the tab that match the search, sorted.
    """

    all_tools: Sequence[ToolSummary]
    tab_counts: Mapping[ToolTab, int]
    tools: Sequence[ToolSummary]


def fetch_tool_list(project: Project, params: ToolListParams, buckets: TimeBuckets) -> ToolList:
    """Return the tools that match `params`, with their calls since the first of `buckets`."""
    all_tools = fetch_tool_overview(project, buckets)
    matches = [tool for tool in all_tools if _contains_words(tool, params.q)]
    tab_counts = {tab: sum(_is_in_tab(tool, tab) for tool in matches) for tab in ToolTab}
    tools = [tool for tool in matches if _is_in_tab(tool, params.tab)]
    tools.sort(key=lambda tool: (tool.name.lower(), tool.name, tool.type))
    if params.sort is not ToolSort.NAME:
        tools.sort(key=lambda tool: _get_sort_key(tool, params.sort))
    return ToolList(all_tools, tab_counts, tools)


def _contains_words(tool: ToolSummary, q: str) -> bool:
    """Return whether the name, type or description contains every word of `q`, ignoring case."""
    description = tool.definition.description if tool.definition else None
    text = f"{tool.name} {tool.type} {description or ''}".lower()
    return all(word in text for word in q.lower().split())


def _is_in_tab(tool: ToolSummary, tab: ToolTab) -> bool:
    match tab:
        case ToolTab.ALL:
            return True
        case ToolTab.FAILED:
            return tool.counts.failed > 0
        case ToolTab.INVALID:
            return tool.counts.invalid > 0
        case ToolTab.UNCALLED:
            return tool.is_never_called
        case ToolTab.DIFFERING:
            return tool.version_count > 1


def _get_sort_key(tool: ToolSummary, sort: ToolSort) -> tuple[bool, float]:
    """Return a key that sorts large values first, and tools without a value last."""
    counts, metrics = tool.counts, tool.metrics
    values: dict[ToolSort, float | None] = {
        ToolSort.CALLS: counts.calls,
        ToolSort.FAILED: counts.failed / counts.calls if counts.calls else None,
        ToolSort.INVALID: counts.invalid / counts.checked if counts.checked else None,
        ToolSort.P50: metrics.p50_ms if metrics else None,
        ToolSort.P95: metrics.p95_ms if metrics else None,
        ToolSort.OUTPUT: metrics.median_output_bytes if metrics else None,
        ToolSort.VERSIONS: tool.version_count,
        ToolSort.LAST: tool.last_at.timestamp() if tool.last_at else None,
    }
    value = values[sort]
    return (value is None, -(value or 0))
