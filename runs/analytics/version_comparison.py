"""What a change of an assistant's configuration did: the runs of the one before it against those of the other after it.

Of each side no more than the `MOST_RUNS` nearest to the change are read, along `run_configuration`, so the cost is the
same at any number of runs. All figures are Postgres's own aggregates over those runs: shares of counts, percentiles
that are values which occurred, means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from runs.analytics.confidence_intervals import Proportion
from runs.analytics.versions import AssistantVersion

MAX_SIDE_RUNS = 2_000
# Of each side the nearest whose steps are read, each of them by its key.
MAX_SIDE_RUNS_WITH_STEPS = 500
PARTS_PER_SIDE = 8  # of each side, over time
_SECOND = timedelta(seconds=1)
_STEPS = (
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
# Of a run whose steps were not received nobody knows what it called: null, and left out of the mean.
_FIGURES = f"""
    WITH sample AS MATERIALIZED ({_SAMPLE.format(before=_BEFORE, after=_AFTER, columns=_COLUMNS)}),
         numbered AS (
           SELECT sample.*,
                  row_number() OVER (PARTITION BY side ORDER BY abs(extract(epoch FROM created_at - %s)::float8))
                    AS place
             FROM sample),
         measured AS (
           SELECT numbered.*,
                  floor(extract(epoch FROM created_at - CASE side WHEN {_BEFORE} THEN %s ELSE %s END)::float8 / %s)::int
                    AS part,
                  CASE WHEN status = 'failed' THEN coalesce(error_code, '') END AS code,
                  CASE WHEN place <= %s
                       THEN (SELECT sum(cardinality(tool_names)) FROM run_step WHERE run_id = numbered.id) END AS calls
             FROM numbered)
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
     GROUP BY GROUPING SETS ((side), (side, part), (side, code))"""  # noqa: S608 - names of our own
_NEWEST = """
    SELECT asked.id, figures.*
      FROM unnest(%s::uuid[]) AS asked (id),
           LATERAL (
             SELECT count(*),
                    count(*) FILTER (WHERE status = 'failed'),
                    percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms),
                    percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms),
                    avg(total_tokens)::float8,
                    avg(cost)::float8
               FROM (SELECT status, duration_ms, total_tokens, cost FROM run
                      WHERE configuration_id = asked.id ORDER BY created_at DESC LIMIT %s) AS newest
           ) AS figures"""


@dataclass(frozen=True, slots=True)
class VersionMetrics:
    """Metrics over some runs. Durations are milliseconds, costs nano-dollars; None if no run has a value.

    Each of `duration_runs`, `prompt_token_runs`, `completion_token_runs`, `tool_call_runs` and `cost_runs` is the
    number of runs that the values before it are known of.
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
        return Proportion(self.failed, self.runs)

    @property
    def incomplete_share(self) -> Proportion:
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
        return self.metrics.runs >= MAX_SIDE_RUNS


@dataclass(frozen=True, slots=True)
class VersionComparison:
    """Both sides of a change at `changed_at`; a part of them is as long as `part_length`."""

    changed_at: datetime
    before: VersionSide
    after: VersionSide
    part_length: timedelta


@dataclass(frozen=True, slots=True)
class RecentVersionMetrics:
    """What the newest runs of a version come to; `tokens` and `cost` (nano-dollars) are means of a run."""

    runs: int
    failed: int
    p50_ms: int | None
    p95_ms: int | None
    tokens: float | None
    cost: float | None


def compare_versions(
    base: AssistantVersion, version: AssistantVersion, at: datetime, within: timedelta | None
) -> VersionComparison:
    """What went before and after the change from `base` to `version` at `at`, `within` that time of it; two queries.

    `base` may have been out of use by then: its side ends with its last run.
    """
    sides = _asked(base, version, at, within)
    bounds = _bounds(sides)
    before, after = (
        VersionSide(side.version, *_narrowed(side, bounds.get(place), place)) for place, side in enumerate(sides)
    )
    longest = max(before.until - before.since, after.until - after.since)
    step = next((step for step in _STEPS if step * PARTS_PER_SIDE >= longest), longest / PARTS_PER_SIDE)
    return _measured(VersionComparison(at, before, after, step))


def fetch_recent_version_metrics(found: Sequence[AssistantVersion], most: int) -> dict[Any, RecentVersionMetrics]:
    """What the newest `most` runs of each version come to, by its id; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [[version.id for version in found], most])
        return {version_id: RecentVersionMetrics(*row) for version_id, *row in cursor.fetchall()}


def _asked(
    base: AssistantVersion, version: AssistantVersion, at: datetime, within: timedelta | None
) -> tuple[VersionSide, VersionSide]:
    end = min(at, base.last_at + _SECOND)
    begin, last = (base.first_at, version.last_at + _SECOND) if within is None else (end - within, at + within)
    return VersionSide(base, begin, end), VersionSide(version, at, last)


def _parameters(sides: tuple[VersionSide, VersionSide]) -> Iterator[Any]:
    for side in sides:
        yield from (side.version.id, side.since, side.until, MAX_SIDE_RUNS)


def _bounds(sides: tuple[VersionSide, VersionSide]) -> dict[int, tuple[datetime, datetime]]:
    """From the first to the last run of each side that has any."""
    with connection.cursor() as cursor:
        cursor.execute(_BOUNDS, list(_parameters(sides)))
        return {place: (first, last) for place, first, last in cursor.fetchall()}


def _narrowed(side: VersionSide, bounds: tuple[datetime, datetime] | None, place: int) -> tuple[datetime, datetime]:
    """From the change to the run that is furthest from it, or as far as was asked where there is none."""
    if bounds is None:
        return side.since, side.until
    return (bounds[0], side.until) if place == _BEFORE else (side.since, min(side.until, bounds[1] + _SECOND))


def _measured(found: VersionComparison) -> VersionComparison:
    both = found.before, found.after
    figures, codes = [NO_METRICS, NO_METRICS], [Counter[str](), Counter[str]()]
    parts: list[dict[int, VersionMetrics]] = [{}, {}]
    parts_from = found.before.until, found.changed_at, found.part_length.total_seconds()
    parameters = [*_parameters(both), found.changed_at, *parts_from, MAX_SIDE_RUNS_WITH_STEPS]
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, parameters)
        for in_all_parts, of_all_codes, place, part, code, *row in cursor.fetchall():
            if not in_all_parts:
                parts[place][part] = VersionMetrics(*row)
            elif of_all_codes:
                figures[place] = VersionMetrics(*row)
            elif code is not None:
                codes[place][code] = row[0]
    measured = zip(both, figures, parts, codes, strict=True)
    before, after = (replace(side, metrics=own, parts=each, error_codes=failed) for side, own, each, failed in measured)
    return replace(found, before=before, after=after)
