"""The rows of the list of tools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dashboard.pages.tools.links import ToolRunLinks, build_tool_url
from dashboard.pages.tools.params import ToolTimeRange
from dashboard.ui import formats
from dashboard.ui.charts import Sparkline, build_sparkline
from runs.analytics.tools import ToolSummary
from runs.models import Project

HIGH_FAILURE_PERCENT = 5  # of the calls; shares from here on are highlighted


@dataclass(frozen=True, slots=True)
class ToolCallShare:
    """A number of calls, its share of all calls, and the URL of their runs; "" if there are none."""

    count: int
    share: str
    is_high: bool
    url: str


@dataclass(frozen=True, slots=True)
class ToolAssistantLink:
    """An assistant, labelled by its display name or its id."""

    id: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class ToolRow:
    """A tool in the list."""

    tool: ToolSummary
    url: str
    calls_url: str
    sparkline: Sparkline | None
    failed: ToolCallShare | None
    invalid: ToolCallShare | None
    p50: str
    p95: str
    median_output: str
    defined_in: Sequence[ToolAssistantLink]
    called_by: Sequence[ToolAssistantLink]

    @property
    def schema(self) -> str:
        """The number of definitions. Tools that are not functions have a built-in schema."""
        if not self.tool.definition:
            return "not defined"
        count = self.tool.version_count
        if count > 1 or self.tool.is_function:
            return f"{count} version{'' if count == 1 else 's'}"
        return "built in"


def build_tool_rows(
    project: Project,
    tools: Sequence[ToolSummary],
    time_range: ToolTimeRange,
    links: ToolRunLinks,
    assistant_names: Mapping[str, str],
) -> list[ToolRow]:
    """Return a row for each of `tools`. `assistant_names` are display names, by id."""

    def build_assistant_links(assistant_ids: Iterable[str]) -> list[ToolAssistantLink]:
        return [
            ToolAssistantLink(
                assistant_id,
                assistant_names.get(assistant_id) or formats.shorten_id(assistant_id),
                links.assistant(assistant_id),
            )
            for assistant_id in assistant_ids
        ]

    rows = []
    for tool in tools:
        counts, metrics = tool.counts, tool.metrics
        has_calls = counts.calls > 0
        is_precise = metrics is not None and metrics.has_sub_second_times
        row = ToolRow(
            tool=tool,
            url=build_tool_url(project, (tool.type, tool.name), time_range),
            calls_url=links.calls(tool) if has_calls else "",
            sparkline=_build_tool_sparkline(tool),
            failed=build_call_share(counts.failed, counts.calls, links.failed_calls(tool)) if has_calls else None,
            invalid=build_call_share(counts.invalid, counts.checked, links.invalid_calls(tool))
            if has_calls and tool.is_function
            else None,
            p50=formats.format_duration(metrics.p50_ms, precise=is_precise) if metrics else "",
            p95=formats.format_duration(metrics.p95_ms, precise=is_precise) if metrics else "",
            median_output=formats.format_bytes(metrics.median_output_bytes) if metrics else "",
            defined_in=build_assistant_links(tool.definition.assistants if tool.definition else ()),
            called_by=build_assistant_links(filter(None, tool.calls.by_assistant if tool.calls else ())),
        )
        rows.append(row)
    return rows


def build_call_share(count: int, total: int, url: str) -> ToolCallShare:
    """Return the share of `count` calls in `total`."""
    is_high = total > 0 and 100 * count >= HIGH_FAILURE_PERCENT * total
    return ToolCallShare(count, formats.format_percent(count, total), is_high, url if count else "")


def _build_tool_sparkline(tool: ToolSummary) -> Sparkline | None:
    """Return the calls over time. Bars with failed calls are highlighted."""
    if tool.calls is None:
        return None
    buckets = tool.calls.buckets
    highlighted = {
        index
        for index, counts in enumerate(buckets)
        if counts.failed and 100 * counts.failed >= HIGH_FAILURE_PERCENT * counts.calls
    }
    maximum = max(counts.calls for counts in buckets)
    return build_sparkline(
        [counts.calls for counts in buckets],
        highlighted=highlighted,
        label=f"Calls over time, at most {maximum:,} per bar",
    )
