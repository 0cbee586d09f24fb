"""What the sums know of the runs that some filters ask for: exact numbers of any number of runs.

They know it where nothing is asked for but fields that were summed together, and a time. Sums of days are those of UTC
and know of model, status and error code together; those of hours know of one field each. Where a time cuts an hour,
the runs of that piece are counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from runs.models import Project
from runs.query import RunFilters
from runs.query.ast import And, QueryNode, Term
from runs.query.operators import Comparison, Equals
from runs.rollups.time_buckets import HOUR, TimeBuckets

_COLUMNS = {"status": "status", "model": "model", "assistant": "assistant_id", "error": "error_code"}
_FIELDS = {"status": "status", "model": "model", "error": "error", "error_code": "error"}
_OF_DAYS = frozenset(("status", "model", "error"))
_DAYS = {"rollup_day_model": _OF_DAYS, "rollup_day_assistant": frozenset(("assistant",))}
_OF_HOURS = {"status": "rollup_hour_status", "model": "rollup_hour_model", "assistant": "rollup_hour_assistant"}

# Before and after all runs.
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)

_SUMMED = "sum(runs), sum(total_tokens), sum(cost), sum(unpriced_tokens)"
_COUNTED = "count(*), sum(total_tokens), sum(cost), sum(total_tokens) FILTER (WHERE cost IS NULL)"


@dataclass(frozen=True, slots=True)
class RollupQuery:
    """A question that sums may know the answer to: fields with the values they may have, and from when to when."""

    chosen: Mapping[str, frozenset[str]]
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def of(cls, filters: RunFilters, now: datetime) -> RollupQuery | None:
        """What `filters` ask for, None where no sum can know it."""
        chosen: dict[str, frozenset[str]] = {}
        for name in _COLUMNS:
            if values := getattr(filters, name):
                chosen[name] = frozenset(values)
        since, until = (moment.resolve(now) if moment else None for moment in (filters.since, filters.until))
        plain: RollupQuery | None = None if filters.thread else cls(chosen, since, until)
        for part in _parts(filters.q.tree) if filters.q else ():
            plain = plain.narrowed(part, now) if plain and isinstance(part, Term) else None
        return plain

    def narrowed(self, term: Term, now: datetime) -> RollupQuery | None:
        """The same with what `term` asks for as well; None where no sum knows of that."""
        if term.field == "created":
            return self._within(term, now)
        name = _FIELDS.get(term.field)
        values = frozenset(operator.value for operator in term.operators if isinstance(operator, Equals))
        if name is None or len(values) < len(set(term.operators)):
            return None
        return RollupQuery({**self.chosen, name: self.chosen.get(name, values) & values}, self.since, self.until)

    def _within(self, term: Term, now: datetime) -> RollupQuery | None:
        match term.operators:
            case (Comparison(">=", quantity),):
                since = quantity.bounds(now)[0]
                assert isinstance(since, datetime)  # noqa: S101 - of a field of times
                return RollupQuery(self.chosen, max(since, self.since) if self.since else since, self.until)
            case (Comparison("<", quantity),):
                until = quantity.bounds(now)[0]
                assert isinstance(until, datetime)  # noqa: S101
                return RollupQuery(self.chosen, self.since, min(until, self.until) if self.until else until)
        return None

    @property
    def is_timed(self) -> bool:
        return self.since is not None or self.until is not None


def _parts(node: QueryNode) -> tuple[QueryNode, ...]:
    """What must hold together."""
    return node.operands if isinstance(node, And) else (node,)


class RunSums(NamedTuple):
    """Exact sums; cost in nano-dollars, of the runs that have a price, and the tokens of the others."""

    runs: int
    tokens: int
    cost: int
    unpriced_tokens: int


def sum_runs_by_field(project: Project, plain: RollupQuery, field: str) -> dict[str | None, RunSums] | None:
    """The measures of each value of `field`, None where no sum knows them."""
    if not plain.is_timed:
        for table, fields in _DAYS.items():
            if {field, *plain.chosen} <= fields:
                return _of_days(project, plain, field, table)
    if field in _OF_HOURS and plain.chosen.keys() <= {field}:
        return _of_hours(project, plain, field)
    return None


def count_runs_by_status(project: Project, plain: RollupQuery, span: TimeBuckets) -> list[tuple[int, str, int]] | None:
    """The number of runs in each part of `span` by status, as (part, status, runs); None where no sum knows them."""
    if plain.chosen.keys() <= {"status"} and span.has_whole_hours:
        return _bars_of_hours(project, plain, span)
    if not plain.is_timed and plain.chosen.keys() <= _OF_DAYS and span.has_whole_days:
        return _bars_of_days(project, plain, span)
    return None


def fetch_run_extent(project: Project) -> tuple[datetime, datetime] | None:
    """From which hour to the end of which there are runs; None where there are none."""
    statement = "SELECT min(hour), max(hour) FROM rollup_hour_status WHERE project_id = %s"
    first, last = _fetch(statement, [project.pk])[0]
    return None if first is None else (first, last + HOUR)


def _of_days(project: Project, plain: RollupQuery, field: str, table: str) -> dict[str | None, RunSums]:
    where, parameters = _where(project, plain)
    column = _COLUMNS[field]
    rows = _fetch(f"SELECT {column}, {_SUMMED} FROM {table} WHERE {where} GROUP BY 1", parameters)  # noqa: S608
    return _measures(rows)


def _of_hours(project: Project, plain: RollupQuery, field: str) -> dict[str | None, RunSums]:
    where, parameters = _where(project, plain)
    pieces = _pieces(plain, _OF_HOURS[field])
    statements = (f"SELECT {_COLUMNS[field]}, {piece.what} FROM {piece} AND {where} GROUP BY 1" for piece in pieces)  # noqa: S608
    values = [value for piece in pieces for value in (piece.since, piece.until, *parameters)]
    return _measures(_fetch(" UNION ALL ".join(statements), values))


def _bars_of_hours(project: Project, plain: RollupQuery, span: TimeBuckets) -> list[tuple[int, str, int]]:
    where, parameters = _where(project, plain)
    pieces = _pieces(plain, _OF_HOURS["status"])
    statements = (
        f"SELECT width_bucket({piece.time}, %s::timestamptz[]), status, {piece.runs} FROM {piece} AND {where} GROUP BY 1, 2"  # noqa: S608, E501
        for piece in pieces
    )
    edges = list(span.edges)
    values = [value for piece in pieces for value in (edges, piece.since, piece.until, *parameters)]
    rows = _fetch(" UNION ALL ".join(statements), values)
    return [(place - 1, status, int(runs)) for place, status, runs in rows]


def _bars_of_days(project: Project, plain: RollupQuery, span: TimeBuckets) -> list[tuple[int, str, int]]:
    where, parameters = _where(project, plain)
    statement = f"""
        SELECT width_bucket(day, %s::date[]), status, sum(runs) FROM rollup_day_model WHERE {where}
         GROUP BY 1, 2"""  # noqa: S608
    days = [edge.date() for edge in span.edges]
    return [(place - 1, status, int(runs)) for place, status, runs in _fetch(statement, [days, *parameters])]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of time, and the table that has its runs or their sums."""

    table: str
    since: datetime
    until: datetime

    @property
    def time(self) -> str:
        return "created_at" if self.table == "run" else "hour"

    @property
    def what(self) -> str:
        return _COUNTED if self.table == "run" else _SUMMED

    @property
    def runs(self) -> str:
        return self.what.split(",")[0]

    def __str__(self) -> str:
        return f"{self.table} WHERE {self.time} >= %s AND {self.time} < %s"


def _pieces(plain: RollupQuery, rollup: str) -> list[_Piece]:
    """The hours that lie within the time as a whole, and what sticks out at both ends."""
    since, until = plain.since or _FIRST, plain.until or _LAST
    first, last = _hour(since + HOUR - timedelta.resolution), _hour(until)
    if first > last:
        return [_Piece("run", since, until)]
    found = (_Piece("run", since, first), _Piece(rollup, first, last), _Piece("run", last, until))
    return [piece for piece in found if piece.since < piece.until] or [_Piece("run", since, since)]


def _hour(moment: datetime) -> datetime:
    """The full hour before, or that itself."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _where(project: Project, plain: RollupQuery) -> tuple[str, list[Any]]:
    conditions = ["project_id = %s", *(f"{_COLUMNS[name]} = ANY(%s)" for name in plain.chosen)]
    return " AND ".join(conditions), [project.pk, *(sorted(values) for values in plain.chosen.values())]


def _measures(rows: list[tuple[Any, ...]]) -> dict[str | None, RunSums]:
    """Rows of a value and its sums, several of one value added up; without values that no run has any more."""
    found: dict[str | None, RunSums] = {}
    for value, *numbers in rows:
        before = found.get(value, (0, 0, 0, 0))
        found[value] = RunSums(*(a + int(b or 0) for a, b in zip(before, numbers, strict=True)))
    return {value: measures for value, measures in found.items() if measures.runs}


def _fetch(statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
