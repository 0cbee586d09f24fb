"""Tools and functions: their definitions, their calls, and the results of these.

Numbers of calls are exact, since rollups have them. Durations and sizes are percentiles over the newest calls, and
so is the time of the last call. For older calls only the hour is known.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from runs.models import Project, ToolDefinition
from runs.rollups.reader import ToolKey, fetch_last_call_hours, fetch_tool_call_sums
from runs.rollups.time_buckets import TimeBuckets

# Steps that percentiles are computed over: of all tools together, and of one.
MAX_SAMPLED_STEPS = 10_000
MAX_SAMPLED_STEPS_PER_TOOL = 1_000

# The condition on `tool_types` is that of the index on the newest steps with calls.
_METRICS = """
    WITH newest AS MATERIALIZED (
        SELECT created_at, posted_created_at, status, tool_types, tool_names, tool_outputs, ended_at
          FROM run_step
         WHERE project_id = %s AND NOT (tool_types = '{{}}') AND created_at >= %s {step_condition}
         ORDER BY created_at DESC LIMIT %s),
    calls AS (
        SELECT call.type, call.name, call.output_bytes, created_at,
               CASE WHEN status = 'completed' AND ended_at >= created_at AND posted_created_at IS NULL
                    THEN (extract(epoch FROM ended_at - created_at) * 1000)::bigint END AS duration_ms
          FROM newest, unnest(tool_types, tool_names, tool_outputs) AS call (type, name, output_bytes))
    SELECT type, name,
           count(*),
           max(created_at),
           count(duration_ms),
           percentile_disc(ARRAY[0.5, 0.95, 1]) WITHIN GROUP (ORDER BY duration_ms),
           bool_or(duration_ms %% 1000 <> 0),
           count(output_bytes),
           percentile_disc(0.5) WITHIN GROUP (ORDER BY output_bytes),
           max(output_bytes)
      FROM calls {call_condition} GROUP BY 1, 2"""


@dataclass(slots=True)
class ToolCallCounts:
    """Numbers of calls: all, those of failed steps, those that were validated (`checked`), and the invalid of these."""

    calls: int = 0
    failed: int = 0
    checked: int = 0
    invalid: int = 0

    def add(self, calls: int, failed: int, checked: int, invalid: int) -> None:
        """Add the numbers of more calls."""
        self.calls += calls
        self.failed += failed
        self.checked += checked
        self.invalid += invalid

    @property
    def unchecked(self) -> int:
        """The number of calls that were not validated yet."""
        return self.calls - self.checked


@dataclass(slots=True)
class ToolCallTotals:
    """The calls of one tool: in total, by bucket of time, and by the assistant that made them, None if unknown."""

    total: ToolCallCounts
    buckets: list[ToolCallCounts]
    by_assistant: dict[str | None, ToolCallCounts]
    last_hour: datetime


@dataclass(frozen=True, slots=True)
class ToolCallMetrics:
    """Metrics over the newest calls of one tool. Durations are milliseconds; a value is None if no call has one.

    `timed_calls` have a duration and `outputs` is the number of calls with an output. `has_sub_second_times` says that
    times were sent with fractions of seconds.
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
    """The definitions of one tool: by digest, the assistants with this version and when each first had it."""

    versions: dict[uuid.UUID, dict[str, datetime]]
    description: str | None

    @property
    def assistants(self) -> list[str]:
        """The assistants that define the tool, the first one first."""
        since: dict[str, datetime] = {}
        for version in self.versions.values():
            for assistant, first_seen_at in version.items():
                since[assistant] = min(first_seen_at, since.get(assistant, first_seen_at))
        return sorted(since, key=lambda assistant: (since[assistant], assistant))


@dataclass(frozen=True, slots=True)
class ToolSummary:
    """A tool or function that is defined, or was called within the period.

    `last_at` is when it was last called, None if never; if `is_last_at_hourly`, only the hour is known. `called_as` are
    the names that an MCP server, or another tool that defines no function name, was called by. It is a guess if several
    tools of the type are defined.
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
        """The numbers of calls within the period."""
        return self.calls.total if self.calls else ToolCallCounts()

    @property
    def is_function(self) -> bool:
        """Return whether the tool is a function."""
        return self.type == "function"

    @property
    def is_never_called(self) -> bool:
        """Return whether the tool was never called, under any name."""
        return self.last_at is None and not self.called_as

    @property
    def version_count(self) -> int:
        """The number of different definitions."""
        return len(self.definition.versions) if self.definition else 0


def fetch_tool_overview(project: Project, buckets: TimeBuckets) -> list[ToolSummary]:
    """Return every tool that is defined in `project` or was called since the first bucket; four queries.

    The edges of `buckets` must be full hours.
    """
    definitions, calls = fetch_tool_definitions(project), fetch_tool_calls(project, buckets)
    metrics = fetch_tool_metrics(project, buckets.start, MAX_SAMPLED_STEPS)
    earlier_hours = fetch_last_call_hours(project, [key for key in definitions if key not in calls])
    names_by_type: dict[str, list[str]] = defaultdict(list)
    for type_, name in calls:
        names_by_type[type_].append(name)
    return [
        _build_summary(
            key, definitions.get(key), calls.get(key), metrics.get(key), earlier_hours.get(key), names_by_type
        )
        for key in dict.fromkeys((*calls, *definitions))
    ]


def _build_summary(
    key: ToolKey,
    definition: DefinedTool | None,
    calls: ToolCallTotals | None,
    metrics: ToolCallMetrics | None,
    earlier_hour: datetime | None,
    names_by_type: Mapping[str, Sequence[str]],
) -> ToolSummary:
    last_hour = calls.last_hour if calls else earlier_hour
    last_at = metrics.last_at if metrics else None
    called_as = () if key[0] == "function" or calls else tuple(sorted(names_by_type.get(key[0], ())))
    return ToolSummary(*key, definition, calls, metrics, last_at or last_hour, last_at is None, called_as)


def fetch_tool_definitions(project: Project, key: ToolKey | None = None) -> dict[ToolKey, DefinedTool]:
    """Return the definitions in `project`, of all tools or of one; each with its newest description."""
    definitions: dict[ToolKey, DefinedTool] = {}
    records = ToolDefinition.objects.filter(project=project)
    if key is not None:
        records = records.filter(type=key[0], name=key[1])
    columns = ("type", "name", "digest", "assistant_id", "description", "first_seen_at")
    rows = records.order_by("-first_seen_at").values_list(*columns)
    for type_, name, digest, assistant_id, description, first_seen_at in rows:
        definition = definitions.setdefault((type_, name), DefinedTool({}, description))
        definition.versions.setdefault(digest, {})[assistant_id] = first_seen_at
    return definitions


def fetch_tool_definition_bodies(project: Project, key: ToolKey) -> dict[uuid.UUID, str]:
    """Return the versions of one tool as JSON, by digest."""
    records = ToolDefinition.objects.filter(project=project, type=key[0], name=key[1])
    return dict(records.values_list("digest", "body"))


def fetch_tool_calls(
    project: Project, buckets: TimeBuckets, key: ToolKey | None = None
) -> dict[ToolKey, ToolCallTotals]:
    """Return the calls since the first bucket, of all tools or of one; the tool with the most calls comes first."""
    totals: dict[ToolKey, ToolCallTotals] = {}
    for sums in fetch_tool_call_sums(project, buckets, key):
        tool = (sums.type, sums.name)
        if tool not in totals:
            by_bucket = [ToolCallCounts() for _ in range(buckets.count)]
            totals[tool] = ToolCallTotals(ToolCallCounts(), by_bucket, {}, sums.last_hour)
        calls = totals[tool]
        calls.last_hour = max(calls.last_hour, sums.last_hour)
        by_assistant = calls.by_assistant.setdefault(sums.assistant_id, ToolCallCounts())
        for counts in (calls.total, calls.buckets[sums.bucket], by_assistant):
            counts.add(sums.calls, sums.failed, sums.checked, sums.invalid)
    return dict(sorted(totals.items(), key=lambda pair: (-pair[1].total.calls, pair[0])))


def fetch_tool_metrics(
    project: Project, since: datetime, max_steps: int, key: ToolKey | None = None
) -> dict[ToolKey, ToolCallMetrics]:
    """Return metrics over the newest `max_steps` steps with calls, or with calls of one tool, created since `since`."""
    statement = _METRICS.format(
        step_condition="" if key is None else "AND tool_names @> ARRAY[%s]",
        call_condition="" if key is None else "WHERE type = %s AND name = %s",
    )
    name_params = [] if key is None else [key[1]]
    with connection.cursor() as cursor:
        cursor.execute(statement, [project.pk, since, *name_params, max_steps, *(key or ())])
        rows = cursor.fetchall()
    metrics = {}
    for type_, name, calls, last_at, timed_calls, percentiles, has_sub_second_times, outputs, median, largest in rows:
        p50_ms, p95_ms, max_ms = percentiles or (None, None, None)
        metrics[type_, name] = ToolCallMetrics(
            calls, last_at, timed_calls, p50_ms, p95_ms, max_ms, bool(has_sub_second_times), outputs, median, largest
        )
    return metrics


def fetch_last_call_hour(project: Project, key: ToolKey) -> datetime | None:
    """Return the hour of the last call of a tool; None if it was never called."""
    return fetch_last_call_hours(project, [key]).get(key)
