"""Compare two versions of an assistant: the runs of one before a change with those of the other after it.

At most the `MAX_SIDE_RUNS` runs nearest to the change are read of each side, in order of the index `run_configuration`,
so the time does not depend on the number of runs. Percentiles are values that occurred; the others are means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from runs.analytics.confidence_intervals import Proportion
from runs.analytics.versions import AssistantVersion

MAX_SIDE_RUNS = 2_000
# The steps of the nearest runs are read, too, with a look-up per run.
MAX_SIDE_RUNS_WITH_STEPS = 500
PARTS_PER_SIDE = 8
_SECOND = timedelta(seconds=1)
_PART_LENGTHS = (
    *(timedelta(seconds=count) for count in (1, 5, 15)),
    *(timedelta(minutes=count) for count in (1, 5, 15, 30)),
    *(timedelta(hours=count) for count in (1, 2, 3, 6, 12)),
    *(timedelta(days=count) for count in (1, 2, 4, 7, 14, 28, 91, 364)),
)

_BEFORE, _AFTER = 0, 1
_SAMPLE = """
    (SELECT {before} AS side, {columns} FROM run
      WHERE configuration_id = %s AND created_at >= %s AND created_at < %s ORDER BY created_at DESC LIMIT %s)
     UNION ALL
    (SELECT {after}, {columns} FROM run
      WHERE configuration_id = %s AND created_at >= %s AND created_at < %s ORDER BY created_at LIMIT %s)"""
_BOUNDS = f"""
    SELECT side, min(created_at), max(created_at)
      FROM ({_SAMPLE.format(before=_BEFORE, after=_AFTER, columns="created_at")}) AS sample GROUP BY side"""  # noqa: S608
_COLUMNS = "id, created_at, status, error_code, duration_ms, prompt_tokens, completion_tokens, cost"
# Metrics of each side, of each part of a side, and of the failed runs of a side by error code; `place` counts from the
# run nearest to the change. The tool calls of a run without steps are not known: NULL, which means leave out.
_METRICS = f"""
    WITH sample AS MATERIALIZED ({_SAMPLE.format(before=_BEFORE, after=_AFTER, columns=_COLUMNS)}),
         placed AS (
           SELECT sample.*,
                  row_number() OVER (PARTITION BY side ORDER BY abs(extract(epoch FROM created_at - %s)::float8))
                    AS place
             FROM sample),
         measured AS (
           SELECT placed.*,
                  floor(extract(epoch FROM created_at - CASE side WHEN {_BEFORE} THEN %s ELSE %s END)::float8 / %s)::int
                    AS part,
                  CASE WHEN status = 'failed' THEN coalesce(error_code, '') END AS code,
                  CASE WHEN place <= %s
                       THEN (SELECT sum(cardinality(tool_names)) FROM run_step WHERE run_id = placed.id) END AS calls
             FROM placed)
    SELECT grouping(part), grouping(code), side, part, code,
           count(*),
           count(*) FILTER (WHERE status = 'failed'),
           count(*) FILTER (WHERE status = 'incomplete'),
           count(*) FILTER (WHERE status IN ('queued', 'in_progress', 'requires_action', 'cancelling')),
           percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms),
           percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms),
           count(duration_ms),
           percentile_disc(0.5) WITHIN GROUP (ORDER BY prompt_tokens),
           count(prompt_tokens),
           percentile_disc(0.5) WITHIN GROUP (ORDER BY completion_tokens),
           count(completion_tokens),
           avg(calls)::float8,
           count(calls),
           avg(cost)::float8,
           count(cost)
      FROM measured
     GROUP BY GROUPING SETS ((side), (side, part), (side, code))"""  # noqa: S608 - constant names
_RECENT_METRICS = """
    SELECT version.id, metrics.*
      FROM unnest(%s::uuid[]) AS version (id),
           LATERAL (
             SELECT count(*),
                    count(*) FILTER (WHERE status = 'failed'),
                    percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms),
                    percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms),
                    avg(total_tokens)::float8,
                    avg(cost)::float8
               FROM (SELECT status, duration_ms, total_tokens, cost FROM run
                      WHERE configuration_id = version.id ORDER BY created_at DESC LIMIT %s) AS newest
           ) AS metrics"""


@dataclass(frozen=True, slots=True)
class VersionMetrics:
    """Metrics over some runs. Durations are milliseconds, costs nano-dollars; None if no run has a value.

    Token counts are medians, tool calls and cost are means. Each of `duration_runs`, `prompt_token_runs`,
    `completion_token_runs`, `tool_call_runs` and `cost_runs` is the number of runs that have a value.
    """

    runs: int
    failed: int
    incomplete: int
    active: int
    p50_ms: int | None
    p95_ms: int | None
    duration_runs: int
    prompt_tokens: int | None
    prompt_token_runs: int
    completion_tokens: int | None
    completion_token_runs: int
    tool_calls: float | None
    tool_call_runs: int
    cost: float | None
    cost_runs: int

    @property
    def failed_share(self) -> Proportion:
        """The failed runs of all."""
        return Proportion(self.failed, self.runs)

    @property
    def incomplete_share(self) -> Proportion:
        """The incomplete runs of all."""
        return Proportion(self.incomplete, self.runs)


NO_METRICS = VersionMetrics(0, 0, 0, 0, None, None, 0, None, 0, None, 0, None, 0, None, 0)


@dataclass(frozen=True, slots=True)
class VersionSide:
    """The runs of one version on one side of a change, created from `since` up to, but not including, `until`.

    If `is_capped`, these are the runs nearest to the change, and there may be more. `parts` divides them over time by
    number: negative before the change, 0 and up after it. `error_codes` counts failures by code.
    """

    version: AssistantVersion
    since: datetime
    until: datetime
    metrics: VersionMetrics = NO_METRICS
    parts: dict[int, VersionMetrics] = field(default_factory=dict)
    error_codes: Counter[str] = field(default_factory=Counter)

    @property
    def is_capped(self) -> bool:
        """Return whether the limit of runs was reached."""
        return self.metrics.runs >= MAX_SIDE_RUNS


@dataclass(frozen=True, slots=True)
class VersionComparison:
    """Both sides of a change at `changed_at`. A side is divided into parts of `part_length`."""

    changed_at: datetime
    before: VersionSide
    after: VersionSide
    part_length: timedelta


@dataclass(frozen=True, slots=True)
class RecentVersionMetrics:
    """Metrics over the newest runs of a version; `tokens` and `cost` (nano-dollars) are means per run."""

    runs: int
    failed: int
    p50_ms: int | None
    p95_ms: int | None
    tokens: float | None
    cost: float | None


def compare_versions(
    base: AssistantVersion, version: AssistantVersion, changed_at: datetime, max_distance: timedelta | None
) -> VersionComparison:
    """Compare runs of `base` before a change with runs of `version` after it; two queries.

    Runs further than `max_distance` from the change are left out. The side of `base` ends with its last run, which may
    be long before the change.
    """
    # 1. The times that are requested.
    base_until = min(changed_at, base.last_at + _SECOND)
    if max_distance is None:
        base_since, version_until = base.first_at, version.last_at + _SECOND
    else:
        base_since, version_until = base_until - max_distance, changed_at + max_distance
    before, after = VersionSide(base, base_since, base_until), VersionSide(version, changed_at, version_until)
    # 2. The times of the runs that are read, from the change to the run furthest from it.
    with connection.cursor() as cursor:
        cursor.execute(_BOUNDS, _sample_params(before, after))
        bounds = {side: (first, last) for side, first, last in cursor.fetchall()}
    if _BEFORE in bounds:
        before = replace(before, since=bounds[_BEFORE][0])
    if _AFTER in bounds:
        after = replace(after, until=min(after.until, bounds[_AFTER][1] + _SECOND))
    # 3. The metrics of the sides and of their parts.
    longest = max(before.until - before.since, after.until - after.since)
    fitting = (length for length in _PART_LENGTHS if length * PARTS_PER_SIDE >= longest)
    part_length = next(fitting, longest / PARTS_PER_SIDE)
    before, after = _measure_sides(before, after, changed_at, part_length)
    return VersionComparison(changed_at, before, after, part_length)


def fetch_recent_version_metrics(
    versions: Sequence[AssistantVersion], max_runs: int
) -> dict[UUID, RecentVersionMetrics]:
    """Return metrics over the newest `max_runs` runs of each version, by its id; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_RECENT_METRICS, [[version.id for version in versions], max_runs])
        return {version_id: RecentVersionMetrics(*row) for version_id, *row in cursor.fetchall()}


def _sample_params(*sides: VersionSide) -> list[Any]:
    return [param for side in sides for param in (side.version.id, side.since, side.until, MAX_SIDE_RUNS)]


def _measure_sides(
    before: VersionSide, after: VersionSide, changed_at: datetime, part_length: timedelta
) -> tuple[VersionSide, VersionSide]:
    # The parts of the first side end where it ends, those of the second begin with the change.
    part_params = before.until, changed_at, part_length.total_seconds()
    with connection.cursor() as cursor:
        cursor.execute(_METRICS, [*_sample_params(before, after), changed_at, *part_params, MAX_SIDE_RUNS_WITH_STEPS])
        rows = cursor.fetchall()
    metrics, error_codes = [NO_METRICS, NO_METRICS], [Counter[str](), Counter[str]()]
    parts: list[dict[int, VersionMetrics]] = [{}, {}]
    for is_all_parts, is_all_codes, side, part, code, *values in rows:
        if not is_all_parts:
            parts[side][part] = VersionMetrics(*values)
        elif is_all_codes:
            metrics[side] = VersionMetrics(*values)
        elif code is not None:
            error_codes[side][code] = values[0]
    before, after = (
        replace(side, metrics=metrics[number], parts=parts[number], error_codes=error_codes[number])
        for number, side in ((_BEFORE, before), (_AFTER, after))
    )
    return before, after
