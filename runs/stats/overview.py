"""What stands above and beside the run list: totals of the matching runs, and how they divide.

Everything here is computed over the newest `MOST_COUNTED` matches; `capped` says when there are more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet

from runs.filters import RunFilters
from runs.filters.fields import CHOICES, ChoiceField
from runs.models import Project, Run

# Counting more would make a page wait for numbers that nobody reads to the last digit.
MOST_COUNTED = 10_000

_TOTALS = """
    SELECT count(*), count(*) FILTER (WHERE status = 'failed'),
           percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms),
           percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms),
           sum(total_tokens)
      FROM ({matches}) AS matches"""


@dataclass(frozen=True, slots=True)
class Totals:
    """The matching runs in one line; durations in milliseconds, None where no run has ended."""

    runs: int
    capped: bool
    failed: int
    p50_ms: int | None
    p95_ms: int | None
    tokens: int | None


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
    newest = _newest(project, filters).values("status", "duration_ms", "total_tokens")
    matches, parameters = newest.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS.format(matches=matches), parameters)
        count, failed, p50, p95, tokens = cursor.fetchone()
    tokens = None if tokens is None else int(tokens)
    return Totals(min(count, MOST_COUNTED), count > MOST_COUNTED, failed, p50, p95, tokens)


def facets(project: Project, filters: RunFilters, names: tuple[str, ...]) -> dict[str, Facet]:
    """How the matching runs divide by each of `names`: one query, and one more a field that is filtered."""
    fields = [field for field in CHOICES if field.name in names]
    free = [field for field in fields if field.name not in filters.active]
    found = _count(project, filters, free) if free else {}
    for field in fields:
        if field not in free:
            found |= _count(project, filters.without(field.name), [field])
    return {field.name: found[field.name] for field in fields}


def _count(project: Project, filters: RunFilters, fields: list[ChoiceField]) -> dict[str, Facet]:
    rows = list(_newest(project, filters).values_list(*(field.column for field in fields)))
    capped = len(rows) > MOST_COUNTED
    counters = {
        field.name: Counter(row[place] for row in rows[:MOST_COUNTED]) for place, field in enumerate(fields)
    }
    return {field.name: Facet(field, _ranked(counters[field.name]), capped) for field in fields}


def _ranked(counter: Counter[str | None]) -> tuple[tuple[str, int], ...]:
    known = [(value, count) for value, count in counter.items() if value is not None]
    return tuple(sorted(known, key=lambda pair: (-pair[1], pair[0])))


def _newest(project: Project, filters: RunFilters) -> QuerySet[Run]:
    return Run.objects.in_project(project).matching(filters).newest_first()[: MOST_COUNTED + 1]
