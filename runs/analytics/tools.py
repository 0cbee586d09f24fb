"""Tools and functions: where they are defined, how often they were called, and how that went.

Counts are exact: they come from the sums of each hour. Durations and sizes are percentiles over the newest calls, and
so is the time of the last call where it is told to the second.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from runs.models import Project, ToolDefinition
from runs.rollups.time_buckets import HOUR

# Steps over which percentiles are taken: of all tools together, and of one.
MAX_SAMPLED_STEPS = 10_000
MAX_SAMPLED_STEPS_PER_TOOL = 1_000

ToolKey = tuple[str, str]  # kind and name

_SUMS = """
    SELECT type, name, assistant_id, floor(extract(epoch FROM hour - %s) / %s)::int, sum(calls), sum(failed),
           sum(checked), sum(misargued), max(hour)
      FROM rollup_hour_tool WHERE project_id = %s AND hour >= %s {of_one}
     GROUP BY 1, 2, 3, 4 HAVING sum(calls) > 0"""
_LAST = """
    SELECT asked.type, asked.name, (
             SELECT hour FROM rollup_hour_tool AS sums
              WHERE sums.project_id = %s AND sums.name = asked.name AND sums.type = asked.type
              GROUP BY hour HAVING sum(calls) > 0 ORDER BY hour DESC LIMIT 1)
      FROM unnest(%s::text[], %s::text[]) AS asked (type, name)"""
# The statement asks for the newest steps with the words of their index.
_NEWEST = """
    WITH newest AS MATERIALIZED (
        SELECT created_at, status, tool_types, tool_names, tool_outputs, ended_at
          FROM run_step WHERE project_id = %s AND NOT (tool_types = '{{}}') AND created_at >= %s {of_one}
         ORDER BY created_at DESC LIMIT %s),
    called AS (
        SELECT call.type, call.name, call.output, created_at, CASE WHEN status = 'completed' AND ended_at >= created_at
               THEN (extract(epoch FROM ended_at - created_at) * 1000)::bigint END AS took
          FROM newest, unnest(tool_types, tool_names, tool_outputs) AS call (type, name, output))
    SELECT type, name, count(*), max(created_at), count(took), percentile_disc(ARRAY[0.5, 0.95, 1])
           WITHIN GROUP (ORDER BY took), bool_or(took %% 1000 <> 0), count(output),
           percentile_disc(0.5) WITHIN GROUP (ORDER BY output), max(output)
      FROM called {named} GROUP BY 1, 2"""


@dataclass(frozen=True, slots=True)
class ToolPeriod:
    """A stretch of whole hours up to now, cut into equal parts; the last part has the hour that goes on."""

    length: timedelta
    parts: int
    since: datetime

    @classmethod
    def before(cls, now: datetime, length: timedelta, parts: int) -> ToolPeriod:
        """The hours of which none is older than `length`."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        return cls(length, parts, hour + HOUR - length)

    @property
    def step(self) -> timedelta:
        """What a part stands for."""
        return self.length / self.parts

    @property
    def edges(self) -> list[datetime]:
        """Where the parts begin, and where the last one ends."""
        return [self.since + self.step * place for place in range(self.parts + 1)]


@dataclass(slots=True)
class ToolCallCounts:
    """Calls of one sort within a period; `checked` of them were held against their runs' tools."""

    calls: int = 0
    failed: int = 0
    checked: int = 0
    invalid: int = 0

    def add(self, calls: int, failed: int, checked: int, misargued: int) -> None:
        self.calls += calls
        self.failed += failed
        self.checked += checked
        self.invalid += misargued

    @property
    def unchecked(self) -> int:
        return self.calls - self.checked


@dataclass(slots=True)
class ToolCallTotals:
    """The calls of one tool within a period: in all, in each part of it, and by the assistants that made them."""

    total: ToolCallCounts
    buckets: list[ToolCallCounts]
    by_assistant: dict[str | None, ToolCallCounts]
    last_hour: datetime


@dataclass(frozen=True, slots=True)
class ToolCallMetrics:
    """What the newest calls tell; times in milliseconds, sizes in bytes, None where no step tells them.

    `has_sub_second_times`: a server sent fractions of seconds.
    """

    calls: int
    last_at: datetime
    timed_calls: int
    p50_ms: int | None
    p95_ms: int | None
    max_ms: int | None
    has_sub_second_times: bool
    outputs: int
    median_output_bytes: int | None
    max_output_bytes: int | None


@dataclass(frozen=True, slots=True)
class DefinedTool:
    """What configurations say of one tool: its versions by their digest, each with the assistants that have it."""

    versions: dict[uuid.UUID, dict[str, datetime]]
    description: str | None

    @property
    def assistants(self) -> list[str]:
        """All that define it, in the order in which they were seen to."""
        found: dict[str, datetime] = {}
        for since in self.versions.values():
            for assistant, moment in since.items():
                found[assistant] = min(moment, found.get(assistant, moment))
        return sorted(found, key=lambda each: (found[each], each))


@dataclass(frozen=True, slots=True)
class ToolSummary:
    """A tool or function that is defined, or was called within the period.

    `called_as`: what an MCP server or another definition without a function's name was called as; it is a guess where
    several of a kind are defined. `last_at` is a moment, or the hour where `is_last_at_hourly`; None: never called.
    """

    type: str
    name: str
    definition: DefinedTool | None
    calls: ToolCallTotals | None
    metrics: ToolCallMetrics | None
    last_at: datetime | None
    is_last_at_hourly: bool
    called_as: tuple[str, ...] = field(default=())

    @property
    def counts(self) -> ToolCallCounts:
        return self.calls.total if self.calls else ToolCallCounts()

    @property
    def is_function(self) -> bool:
        return self.type == "function"

    @property
    def is_never_called(self) -> bool:
        return self.last_at is None and not self.called_as

    @property
    def has_failures(self) -> bool:
        return self.counts.failed > 0 or self.counts.invalid > 0

    @property
    def version_count(self) -> int:
        return len(self.definition.versions) if self.definition else 0


def fetch_tool_overview(project: Project, period: ToolPeriod) -> list[ToolSummary]:
    """Every tool that is defined in `project`, or was called within `period`; a few queries, however many there are."""
    known, called = fetch_tool_definitions(project), fetch_tool_calls(project, period)
    measured = fetch_tool_metrics(project, period.since, MAX_SAMPLED_STEPS)
    idle = _last_hours(project, [key for key in known if key not in called])
    names: dict[str, list[str]] = defaultdict(list)
    for kind, name in called:
        names[kind].append(name)
    return [
        _tool(key, known.get(key), called.get(key), measured.get(key), idle.get(key), names)
        for key in dict.fromkeys((*called, *known))
    ]


def _tool(
    key: ToolKey,
    defined: DefinedTool | None,
    called: ToolCallTotals | None,
    measured: ToolCallMetrics | None,
    idle_since: datetime | None,
    names: Mapping[str, Sequence[str]],
) -> ToolSummary:
    hour = called.last_hour if called else idle_since
    exact = measured.last_at if measured else None
    others = () if key[0] == "function" or called else tuple(sorted(names.get(key[0], ())))
    return ToolSummary(*key, defined, called, measured, exact or hour, exact is None, others)


def fetch_tool_definitions(project: Project, key: ToolKey | None = None) -> dict[ToolKey, DefinedTool]:
    """What is defined in `project`, or of one tool; the newest description stands for all."""
    found: dict[ToolKey, DefinedTool] = {}
    rows = ToolDefinition.objects.filter(project=project)
    if key is not None:
        rows = rows.filter(type=key[0], name=key[1])
    columns = ("type", "name", "digest", "assistant_id", "description", "first_seen_at")
    for kind, name, digest, assistant_id, description, since in rows.order_by("-first_seen_at").values_list(*columns):
        defined = found.setdefault((kind, name), DefinedTool({}, description))
        defined.versions.setdefault(digest, {})[assistant_id] = since
    return found


def fetch_tool_definition_bodies(project: Project, key: ToolKey) -> dict[uuid.UUID, str]:
    """The versions of one tool by their digest, as JSON."""
    rows = ToolDefinition.objects.filter(project=project, type=key[0], name=key[1])
    return dict(rows.values_list("digest", "body"))


def fetch_tool_calls(project: Project, period: ToolPeriod, key: ToolKey | None = None) -> dict[ToolKey, ToolCallTotals]:
    """What was called within `period`, the most called first; of one tool where `key` names it."""
    statement, extra = _of_one(_SUMS, "AND type = %s AND name = %s", key)
    parameters = [period.since, period.step.total_seconds(), project.pk, period.since, *extra]
    found: dict[ToolKey, ToolCallTotals] = {}
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        for kind, name, assistant_id, place, *sums, hour in cursor.fetchall():
            _add(found, (kind, name), assistant_id, min(place, period.parts - 1), list(map(int, sums)), hour, period)
    return dict(sorted(found.items(), key=lambda pair: (-pair[1].total.calls, pair[0])))


def _add(
    found: dict[ToolKey, ToolCallTotals],
    key: ToolKey,
    assistant_id: str | None,
    place: int,
    sums: list[int],
    hour: datetime,
    period: ToolPeriod,
) -> None:
    called = found.get(key)
    if called is None:
        called = found[key] = ToolCallTotals(
            ToolCallCounts(), [ToolCallCounts() for _ in range(period.parts)], {}, hour
        )
    called.last_hour = max(called.last_hour, hour)
    for counts in (called.total, called.buckets[place], called.by_assistant.setdefault(assistant_id, ToolCallCounts())):
        counts.add(*sums)


def fetch_tool_metrics(
    project: Project, since: datetime, most: int, key: ToolKey | None = None
) -> dict[ToolKey, ToolCallMetrics]:
    """Percentiles over the newest `most` steps with calls, or with calls of one tool, since then."""
    statement, extra = _of_one(_NEWEST, "AND tool_names @> ARRAY[%s]", None if key is None else (key[1],))
    statement = statement.replace("{named}", "" if key is None else "WHERE type = %s AND name = %s")
    parameters = [project.pk, since, *extra, most, *(key or ())]
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return {(row[0], row[1]): _measured(*row[2:]) for row in cursor.fetchall()}


def _measured(
    count: int, last_at: datetime, timed: int, times: list[int | None] | None, precise: bool | None,
    outputs: int, median: int | None, largest: int | None,
) -> ToolCallMetrics:  # fmt: skip
    p50, p95, longest = times or (None, None, None)
    return ToolCallMetrics(count, last_at, timed, p50, p95, longest, bool(precise), outputs, median, largest)


def fetch_last_call_hour(project: Project, key: ToolKey) -> datetime | None:
    """The hour of a tool's last call; None where it never was called."""
    return _last_hours(project, [key]).get(key)


def _last_hours(project: Project, keys: Iterable[ToolKey]) -> dict[ToolKey, datetime]:
    kinds, names = zip(*keys, strict=True) if keys else ((), ())
    if not kinds:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [project.pk, list(kinds), list(names)])
        return {(kind, name): hour for kind, name, hour in cursor.fetchall() if hour is not None}


def _of_one(statement: str, condition: str, parameters: Sequence[Any] | None) -> tuple[str, Sequence[Any]]:
    """A statement about all tools, or about one."""
    found = statement.replace("{{}}", "{}").replace("{of_one}", "" if parameters is None else condition)
    return found, parameters or ()
