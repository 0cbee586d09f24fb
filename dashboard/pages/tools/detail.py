"""The page of one tool: how it was called over time, by whom, in which versions it is defined, and single calls."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property
from typing import Any

from dashboard.pages.tools.links import ToolRunLinks
from dashboard.pages.tools.samples import SampleCallList, fetch_sample_calls
from dashboard.pages.tools.table import ToolCallShare, build_call_share
from dashboard.ui import formats, tool_diff, truncated_text
from dashboard.ui.charts import ChartSeries, StackedChart, build_stacked_chart
from dashboard.ui.tool_diff import ToolChange
from dashboard.ui.truncated_text import TruncatedText
from runs.analytics import tool_samples, tools
from runs.analytics.tools import (
    DefinedTool,
    ToolCallCounts,
    ToolCallMetrics,
    ToolCallTotals,
    ToolSummary,
)
from runs.models import Assistant, Project
from runs.rollups.reader import ToolKey
from runs.rollups.time_buckets import TimeBuckets

MAX_CONFIGURATIONS = 20


@dataclass(frozen=True, slots=True)
class DefiningAssistant:
    """An assistant that has a version, and since when."""

    id: str
    label: str
    url: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ToolVersion:
    """The `number`-th definition of a tool, in order of first sight."""

    number: int
    since: datetime
    definers: Sequence[DefiningAssistant]
    value: Any

    @property
    def text(self) -> TruncatedText:
        """The definition, laid out."""
        return truncated_text.truncate_json(self.value)


@dataclass(frozen=True, slots=True)
class CallingAssistant:
    """An assistant that called the tool, and how that went."""

    id: str
    label: str
    url: str
    counts: ToolCallCounts
    failed: ToolCallShare
    misargued: ToolCallShare


@dataclass(frozen=True, slots=True)
class DefiningConfiguration:
    """A configuration that defines the tool."""

    id: str
    url: str
    assistant: str
    label: str
    since: datetime


@dataclass
class ToolDetail:
    """One tool of a project, over a period; a section is asked for when its template asks."""

    project: Project
    key: ToolKey
    period: TimeBuckets
    zone: tzinfo
    compared: tuple[int, int] | None = None

    @cached_property
    def tool(self) -> ToolSummary:
        """What the table of tools says of it, over its own newest calls."""
        at = self.measured.last_at if self.measured else self.last_hour
        return ToolSummary(*self.key, self.defined, self.called, self.measured, at, self.measured is None)

    @cached_property
    def defined(self) -> DefinedTool | None:
        return tools.fetch_tool_definitions(self.project, self.key).get(self.key)

    @cached_property
    def called(self) -> ToolCallTotals | None:
        return tools.fetch_tool_calls(self.project, self.period, self.key).get(self.key)

    @cached_property
    def measured(self) -> ToolCallMetrics | None:
        found = tools.fetch_tool_metrics(self.project, self.period.start, tools.MAX_SAMPLED_STEPS_PER_TOOL, self.key)
        return found.get(self.key)

    @cached_property
    def last_hour(self) -> datetime | None:
        return self.called.last_hour if self.called else tools.fetch_last_call_hour(self.project, self.key)

    @property
    def is_known(self) -> bool:
        """Whether it was ever defined or called."""
        return self.defined is not None or self.last_hour is not None

    @property
    def counts(self) -> ToolCallCounts:
        return self.tool.counts

    @cached_property
    def links(self) -> ToolRunLinks:
        return ToolRunLinks(self.project.slug, self.period)

    @property
    def calls_url(self) -> str:
        return self.links.calling(self.tool)

    @property
    def defined_url(self) -> str:
        return self.links.defining(self.tool)

    @property
    def failed(self) -> ToolCallShare:
        return build_call_share(self.counts.failed, self.counts.calls, self.links.failing(self.tool))

    @property
    def misargued(self) -> ToolCallShare:
        return build_call_share(self.counts.invalid, self.counts.checked, self.links.misarguing(self.tool))

    @property
    def times(self) -> dict[str, str]:
        """The percentiles of its durations, in words."""
        measured = self.measured
        if measured is None or not measured.timed_calls:
            return {}
        named = {"p50": measured.p50_ms, "p95": measured.p95_ms, "longest": measured.max_ms}
        return {name: formats.format_duration(ms, precise=measured.has_sub_second_times) for name, ms in named.items()}

    @cached_property
    def chart(self) -> StackedChart | None:
        """Its calls over time, those of steps that failed at the bottom."""
        if self.called is None:
            return None
        parts = self.called.buckets
        series = [
            ChartSeries("Failed", [counts.failed for counts in parts], status="failed"),
            ChartSeries("Other calls", [counts.calls - counts.failed for counts in parts]),
        ]
        return build_stacked_chart("Calls", self.period.edges, series, zone=self.zone)

    @cached_property
    def names(self) -> Mapping[str, str]:
        callers = self.called.by_assistant if self.called else ()
        configured = (assistant for _, assistant, _ in self.configurations_known)
        definers = self.defined.assistants if self.defined else ()
        return Assistant.objects.names_by_id(self.project, {*callers, *configured, *definers})

    def label(self, assistant_id: str | None) -> str:
        """An assistant's name, else the ends of its id."""
        if assistant_id is None:
            return "no assistant named"
        return self.names.get(assistant_id) or formats.shorten_id(assistant_id)

    @property
    def callers(self) -> list[CallingAssistant]:
        """The assistants that called it, the most often first."""
        found = self.called.by_assistant.items() if self.called else ()
        ordered = sorted(found, key=lambda pair: (-pair[1].calls, pair[0] or ""))
        return [self._caller(assistant, counts) for assistant, counts in ordered]

    def _caller(self, assistant: str | None, counts: ToolCallCounts) -> CallingAssistant:
        return CallingAssistant(
            assistant or "",
            self.label(assistant),
            self.links.calling(self.tool, assistant) if assistant else "",
            counts,
            build_call_share(counts.failed, counts.calls, self.links.failing(self.tool, assistant)),
            build_call_share(counts.invalid, counts.checked, self.links.misarguing(self.tool, assistant)),
        )

    @cached_property
    def versions(self) -> list[ToolVersion]:
        """Its definitions, in the order in which they were first seen."""
        if self.defined is None:
            return []
        bodies = tools.fetch_tool_definition_bodies(self.project, self.key)
        ordered = sorted(self.defined.versions.items(), key=lambda pair: (min(pair[1].values()), pair[0]))
        return [self._version(number, pk, since, bodies) for number, (pk, since) in enumerate(ordered, 1)]

    def _version(
        self, number: int, digest: uuid.UUID, since: Mapping[str, datetime], bodies: Mapping[uuid.UUID, str]
    ) -> ToolVersion:
        ordered = sorted(since.items(), key=lambda pair: (pair[1], pair[0]))
        definers = [
            DefiningAssistant(each, self.label(each), self.links.of_assistant(each), at) for each, at in ordered
        ]
        return ToolVersion(number, min(since.values()), definers, json.loads(bodies[digest]))

    @cached_property
    def pair(self) -> tuple[ToolVersion, ToolVersion] | None:
        """The two versions that stand side by side: those asked for, else the last two."""
        if len(self.versions) < 2:
            return None
        left, right = self.compared or (len(self.versions) - 1, len(self.versions))
        return self.versions[left - 1], self.versions[right - 1]

    @cached_property
    def change(self) -> ToolChange | None:
        """Where these two differ."""
        if self.pair is None:
            return None
        return next(iter(tool_diff.diff_tools([self.pair[0].value], [self.pair[1].value]).changed), None)

    @cached_property
    def configurations_known(self) -> list[tuple[uuid.UUID, str, datetime]]:
        return tool_samples.fetch_defining_configurations(self.project, self.key, MAX_CONFIGURATIONS + 1)

    @property
    def configurations(self) -> list[DefiningConfiguration]:
        """The newest configurations that define it."""
        return [
            DefiningConfiguration(pk.hex[:8], self.links.of_configuration(pk), assistant, self.label(assistant), since)
            for pk, assistant, since in self.configurations_known[:MAX_CONFIGURATIONS]
        ]

    @property
    def has_more_configurations(self) -> bool:
        return len(self.configurations_known) > MAX_CONFIGURATIONS

    @cached_property
    def samples(self) -> list[SampleCallList]:
        return fetch_sample_calls(self.project, self.key)
