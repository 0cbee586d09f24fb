"""The sections of the page of a tool: calls over time, callers, versions and configurations."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from dashboard.pages.tools.links import ToolRunLinks
from dashboard.pages.tools.tool_rows import ToolCallShare, build_call_share
from dashboard.ui import formats, json_view
from dashboard.ui.charts import ChartSeries, StackedChart, build_stacked_chart
from dashboard.ui.truncated_text import TruncatedText, truncate_json
from runs.analytics import tools
from runs.analytics.tools import DefinedTool, ToolCallCounts, ToolSummary
from runs.models import Project
from runs.rollups.reader import ToolKey
from runs.rollups.time_buckets import TimeBuckets

MAX_CONFIGURATIONS = 20


@dataclass(frozen=True, slots=True)
class DefiningAssistant:
    """An assistant that uses a version, and when it first did."""

    id: str
    label: str
    url: str
    first_used_at: datetime


@dataclass(frozen=True, slots=True)
class ToolVersion:
    """A definition of a tool. Versions are numbered from 1, in the order of their first use."""

    number: int
    first_used_at: datetime
    assistants: Sequence[DefiningAssistant]
    definition: Any

    @property
    def name(self) -> str:
        """The name of the version in headings."""
        return f"Version {self.number}"

    @property
    def text(self) -> TruncatedText:
        """The definition as formatted JSON."""
        return truncate_json(self.definition)


@dataclass(frozen=True, slots=True)
class CallingAssistant:
    """An assistant that called the tool; `id` and `url` are "" if the assistant is unknown."""

    id: str
    label: str
    url: str
    counts: ToolCallCounts
    failed: ToolCallShare
    invalid: ToolCallShare


@dataclass(frozen=True, slots=True)
class DefiningConfiguration:
    """A configuration that defines the tool."""

    short_id: str
    url: str
    assistant_id: str
    assistant_label: str
    first_used_at: datetime


def fetch_tool(project: Project, key: ToolKey, buckets: TimeBuckets) -> ToolSummary | None:
    """Return one tool, with its calls since the first of `buckets`; None if it was never defined or called."""
    definition = tools.fetch_tool_definitions(project, key).get(key)
    calls = tools.fetch_tool_calls(project, buckets, key).get(key)
    last_hour = calls.last_hour if calls else tools.fetch_last_call_hour(project, key)
    if definition is None and last_hour is None:
        return None
    limit = tools.MAX_SAMPLED_STEPS_PER_TOOL
    metrics = tools.fetch_tool_metrics(project, buckets.start, limit, key).get(key)
    last_at = metrics.last_at if metrics else last_hour
    return ToolSummary(*key, definition, calls, metrics, last_at, metrics is None)


def build_calls_chart(tool: ToolSummary, buckets: TimeBuckets, zone: tzinfo) -> StackedChart | None:
    """Return the chart of calls, those of failed steps at the bottom; None without calls."""
    if tool.calls is None:
        return None
    series = [
        ChartSeries("Failed", [counts.failed for counts in tool.calls.buckets], status="failed"),
        ChartSeries("Other calls", [counts.calls - counts.failed for counts in tool.calls.buckets]),
    ]
    return build_stacked_chart("Calls", buckets.edges, series, zone=zone)


def format_tool_durations(tool: ToolSummary) -> list[tuple[str, str]]:
    """Return labels and values of the percentiles of a tool's durations; empty if no call has a duration."""
    metrics = tool.metrics
    if metrics is None or not metrics.timed_calls:
        return []
    is_precise = metrics.has_sub_second_times
    return [
        ("p50", formats.format_duration(metrics.p50_ms, precise=is_precise)),
        ("p95", formats.format_duration(metrics.p95_ms, precise=is_precise)),
        ("Longest", formats.format_duration(metrics.max_ms, precise=is_precise)),
    ]


def build_calling_assistants(
    tool: ToolSummary, links: ToolRunLinks, assistant_names: Mapping[str, str]
) -> list[CallingAssistant]:
    """Return the assistants that called the tool, those with the most calls first."""
    counts_by_assistant = tool.calls.by_assistant if tool.calls else {}
    ordered = sorted(counts_by_assistant.items(), key=lambda item: (-item[1].calls, item[0] or ""))
    return [
        CallingAssistant(
            id=assistant_id or "",
            label=_format_assistant(assistant_id, assistant_names) if assistant_id else "unknown assistant",
            url=links.calls(tool, assistant_id) if assistant_id else "",
            counts=counts,
            failed=build_call_share(counts.failed, counts.calls, links.failed_calls(tool, assistant_id)),
            invalid=build_call_share(counts.invalid, counts.checked, links.invalid_calls(tool, assistant_id)),
        )
        for assistant_id, counts in ordered
    ]


def build_tool_versions(
    definition: DefinedTool | None,
    bodies: Mapping[uuid.UUID, str],
    links: ToolRunLinks,
    assistant_names: Mapping[str, str],
) -> list[ToolVersion]:
    """Return the versions of a tool, in the order of their first use. `bodies` are JSON, by digest."""
    if definition is None:
        return []
    ordered = sorted(definition.versions.items(), key=lambda item: (min(item[1].values()), item[0]))
    versions = []
    for number, (digest, first_uses) in enumerate(ordered, start=1):
        assistants = [
            DefiningAssistant(
                assistant_id,
                _format_assistant(assistant_id, assistant_names),
                links.assistant(assistant_id),
                first_used_at,
            )
            for assistant_id, first_used_at in sorted(first_uses.items(), key=lambda item: (item[1], item[0]))
        ]
        versions.append(
            ToolVersion(number, min(first_uses.values()), assistants, json_view.parse_json_for_display(bodies[digest]))
        )
    return versions


def build_configurations(
    configurations: Sequence[tuple[uuid.UUID, str, datetime]],
    links: ToolRunLinks,
    assistant_names: Mapping[str, str],
) -> list[DefiningConfiguration]:
    """Return the configurations to show."""
    return [
        DefiningConfiguration(
            short_id=configuration_id.hex[:8],
            url=links.configuration(configuration_id),
            assistant_id=assistant_id,
            assistant_label=_format_assistant(assistant_id, assistant_names),
            first_used_at=first_used_at,
        )
        for configuration_id, assistant_id, first_used_at in configurations[:MAX_CONFIGURATIONS]
    ]


def _format_assistant(assistant_id: str, assistant_names: Mapping[str, str]) -> str:
    return assistant_names.get(assistant_id) or formats.shorten_id(assistant_id)
