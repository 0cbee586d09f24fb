"""How many runs there were over time, by status.

Exact in every case but one: where more match than are counted and the sums of each hour don't know what is asked
for, it is about the newest matches only, and says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from runs.filters import RunFilters
from runs.models import Project
from runs.stats import newest
from runs.stats.overview import Totals
from runs.stats.spans import HOUR, Span, span

# Shorter ones would be a handful of bars, were they taken from the sums of each hour.
SHORTEST_OF_SUMS = timedelta(hours=12)
_MOMENT = timedelta(microseconds=1)
_PLACE = "floor(extract(epoch FROM {time} - %s) / %s)::int"

_NEWEST = f"""
    SELECT {_PLACE.format(time="created_at")}, status, count(*)
      FROM ({{matches}}) AS matches WHERE place <= %s GROUP BY 1, 2"""  # noqa: S608 - names of our own
_SUMS = f"""
    SELECT {_PLACE.format(time="hour")}, status, sum(runs), sum(total_tokens), sum(cost), sum(unpriced_tokens)
      FROM rollup_hour_status WHERE project_id = %s AND hour >= %s AND hour < %s GROUP BY 1, 2"""  # noqa: S608
_EDGE = f"""
    SELECT {_PLACE.format(time="created_at")}, status, count(*), sum(total_tokens),
           sum(cost), sum(total_tokens) FILTER (WHERE cost IS NULL)
      FROM run WHERE project_id = %s AND created_at >= %s AND created_at < %s GROUP BY 1, 2"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Sums:
    """What the sums of each hour know exactly, by status; of every status, whichever are asked for."""

    runs: Counter[str]
    tokens: Counter[str]
    cost: Counter[str]  # in nano-dollars
    unpriced_tokens: Counter[str]


@dataclass(frozen=True, slots=True)
class Histogram:
    """The matches in each part of `span`, by status. `since`: where counting begins, if not at the start.

    `sums` are there where the picture comes from them.
    """

    span: Span
    bars: tuple[Counter[str], ...]
    since: datetime | None = None
    sums: Sums | None = None


def histogram(project: Project, filters: RunFilters, totals: Totals, now: datetime) -> Histogram | None:
    """The picture for `totals`, which are those of `filters`; None where there is nothing to draw."""
    if totals.oldest is None or totals.newest is None:
        return None
    first = filters.since.at(now) if filters.since else totals.oldest
    last = max(now, totals.newest) if filters.since else totals.newest
    if filters.until:
        last = min(last, filters.until.at(now) - _MOMENT)
    if totals.capped and set(filters.active) <= {"status", "since", "until"}:
        first = first if filters.since else _first_hour(project)
        if last - first >= SHORTEST_OF_SUMS:
            return _from_sums(project, filters, first, last)
    return _from_newest(project, filters, totals, span(first, last))


def exactly(totals: Totals, filters: RunFilters, sums: Sums) -> Totals:
    """`totals` with what the sums know of all matches in place of what was counted over the newest."""
    asked = [status for status in sums.runs if not filters.status or status in filters.status]
    return replace(
        totals,
        runs=sum(sums.runs[status] for status in asked),
        failed=sums.runs["failed"] if "failed" in asked else 0,
        tokens=None if totals.tokens is None else sum(sums.tokens[status] for status in asked),
        cost=sum(sums.cost[status] for status in asked) or totals.cost,
        unpriced_tokens=sum(sums.unpriced_tokens[status] for status in asked),
        summed=True,
    )


def _first_hour(project: Project) -> datetime:
    sql = "SELECT min(hour) FROM rollup_hour_status WHERE project_id = %s"
    with connection.cursor() as cursor:
        cursor.execute(sql, [project.pk])
        found: datetime = cursor.fetchone()[0]
    return found


def _from_newest(project: Project, filters: RunFilters, totals: Totals, parts: Span) -> Histogram:
    matches, parameters = newest.statement(project, filters, newest.MOST_COUNTED, "status")
    with connection.cursor() as cursor:
        cursor.execute(
            _NEWEST.format(matches=matches),
            (parts.start, parts.step.total_seconds(), *parameters, newest.MOST_COUNTED),
        )
        bars = _bars(parts, cursor.fetchall())
    return Histogram(parts, bars, since=totals.oldest if totals.capped else None)


def _from_sums(project: Project, filters: RunFilters, first: datetime, last: datetime) -> Histogram:
    """Whole hours from their sums; what is asked of the hours at both ends is counted."""
    parts = span(first, last, least=HOUR)
    rows = list(_summed(project, parts, first, last + _MOMENT))
    asked = [row for row in rows if not filters.status or row[1] in filters.status]
    sums = Sums(Counter(), Counter(), Counter(), Counter())
    for _, status, *measures in rows:
        for counter, value in zip((sums.runs, sums.tokens, sums.cost, sums.unpriced_tokens), measures, strict=True):
            counter[status] += int(value or 0)
    return Histogram(parts, _bars(parts, (row[:3] for row in asked)), sums=sums)


def _summed(project: Project, parts: Span, first: datetime, end: datetime) -> Iterator[tuple[Any, ...]]:
    inner_first, inner_end = -(-(first - parts.start) // HOUR) * HOUR, (end - parts.start) // HOUR * HOUR
    whole = (parts.start + inner_first, parts.start + inner_end)
    pieces = ((_EDGE, first, whole[0]), (_SUMS, *whole), (_EDGE, whole[1], end))
    wanted = [(sql, since, until) for sql, since, until in pieces if since < until]
    parameters = [
        each
        for _, since, until in wanted
        for each in (parts.start, parts.step.total_seconds(), project.pk, since, until)
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(sql for sql, _, _ in wanted), parameters)
        yield from cursor.fetchall()


def _bars(parts: Span, rows: Iterable[tuple[int, str, Any]]) -> tuple[Counter[str], ...]:
    bars: tuple[Counter[str], ...] = tuple(Counter() for _ in range(parts.count))
    for place, status, count in rows:
        if count > 0:
            bars[min(max(place, 0), parts.count - 1)][status] += int(count)
    return bars
