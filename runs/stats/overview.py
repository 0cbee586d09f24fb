"""What stands above and beside the run list: totals of the matching runs, and how they divide.

Everything here is computed over the newest `MOST_COUNTED` matches; `capped` says when there are more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection

from runs.filters import RunFilters
from runs.filters.fields import CHOICES, ChoiceField
from runs.models import Project
from runs.stats.newest import MOST_COUNTED, statement

_TOTALS = """
    SELECT count(*),
           count(*) FILTER (WHERE place <= {most} AND status = 'failed'),
           percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE place <= {most}),
           percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE place <= {most}),
           sum(total_tokens) FILTER (WHERE place <= {most}),
           sum(cost) FILTER (WHERE place <= {most}),
           sum(total_tokens) FILTER (WHERE place <= {most} AND cost IS NULL),
           min(created_at) FILTER (WHERE place <= {most}),
           max(created_at)
      FROM ({matches}) AS matches"""

_FACETS = """
    SELECT grouping({columns}), coalesce({columns}), count(*) FILTER (WHERE place <= %s), count(*)
      FROM ({matches}) AS matches
     GROUP BY GROUPING SETS ((), {sets})"""


@dataclass(frozen=True, slots=True)
class Totals:
    """The matching runs in one line; durations in milliseconds, None where no run has ended.

    `oldest` and `newest` are when the first and the last of the counted ones were created. Where there are more
    than are counted, `summed` says that runs, failures, tokens and cost are those of all of them nevertheless.
    `cost` is in nano-dollars, None where no run has a price; `unpriced_tokens` are those of runs without one.
    """

    runs: int
    capped: bool
    failed: int
    p50_ms: int | None
    p95_ms: int | None
    tokens: int | None
    cost: int | None
    unpriced_tokens: int
    oldest: datetime | None
    newest: datetime | None
    summed: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """How the matching runs divide by one field, most frequent first; its own filter is left aside."""

    field: ChoiceField
    counts: tuple[tuple[str, int], ...]
    capped: bool

    @property
    def most(self) -> int:
        """The largest count, for drawing proportions."""
        return max((count for _, count in self.counts), default=0)


def totals(project: Project, filters: RunFilters) -> Totals:
    """The totals of the runs that `filters` asks for; one query."""
    measured = ("status", "duration_ms", "total_tokens", "cost")
    matches, parameters = statement(project, filters, MOST_COUNTED, *measured)
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS.format(matches=matches, most=int(MOST_COUNTED)), parameters)
        count, failed, p50, p95, *sums, oldest, newest = cursor.fetchone()
    tokens, cost, unpriced = (None if each is None else int(each) for each in sums)
    runs, capped = min(count, MOST_COUNTED), count > MOST_COUNTED
    return Totals(runs, capped, failed, p50, p95, tokens, cost, unpriced or 0, oldest, newest)


def facets(project: Project, filters: RunFilters, names: tuple[str, ...]) -> dict[str, Facet]:
    """How the matching runs divide by each of `names`: one query, and one more a field that is filtered."""
    fields = [field for field in CHOICES if field.name in names]
    free = [field for field in fields if field.name not in filters.active]
    found = _count(project, filters, free) if free else {}
    for field in fields:
        if field not in free:
            found |= _count(project, filters.without(field.name), [field])
    return {field.name: found[field.name] for field in fields}


def of_sums(facet: Facet, counts: Mapping[str, int]) -> Facet:
    """`facet` with exact counts of all matches in place of those of the newest."""
    return replace(facet, counts=_ranked([pair for pair in counts.items() if pair[1]]), capped=False)


def _count(project: Project, filters: RunFilters, fields: Sequence[ChoiceField]) -> dict[str, Facet]:
    columns = [field.column for field in fields]
    matches, parameters = statement(project, filters, MOST_COUNTED, *columns)
    sets = ", ".join(f"({column})" for column in columns)
    sql = _FACETS.format(columns=", ".join(columns), sets=sets, matches=matches)
    with connection.cursor() as cursor:
        cursor.execute(sql, (MOST_COUNTED, *parameters))
        rows = cursor.fetchall()
    everything = _mask(columns)
    capped = any(seen > MOST_COUNTED for mask, _, _, seen in rows if mask == everything)
    counts: dict[int, list[tuple[str, int]]] = {_mask(columns, place): [] for place in range(len(columns))}
    for mask, value, counted, _ in rows:
        if mask != everything and value is not None and counted:
            counts[mask].append((value, counted))
    return {
        field.name: Facet(field, _ranked(counts[_mask(columns, place)]), capped) for place, field in enumerate(fields)
    }


def _mask(columns: Sequence[str], place: int | None = None) -> int:
    """What `grouping(columns)` is for rows grouped by the one at `place`, or by none: a bit for each other."""
    every = (1 << len(columns)) - 1
    return every if place is None else every - (1 << (len(columns) - 1 - place))


def _ranked(counts: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts, key=lambda pair: (-pair[1], pair[0])))
