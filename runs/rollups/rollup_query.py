"""The part of run filters that rollups can answer: values of fields that are summed, and a time range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from runs.query import RunFilters
from runs.query.ast import And, Term
from runs.query.operators import Comparison, Equals

# Terms of the query language by the filter of the same meaning.
_FILTER_OF_TERM = {"status": "status", "model": "model", "error": "error", "error_code": "error"}
_FILTERS = ("status", "model", "assistant", "error")


@dataclass(frozen=True, slots=True)
class RollupQuery:
    """Runs whose fields have one of some values, created from `since` up to, but not including, `until`.

    `values` has the allowed values by the name of the filter: `status`, `model`, `assistant` or `error`.
    """

    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def from_filters(cls, filters: RunFilters, now: datetime) -> RollupQuery | None:
        """Return the query that is equivalent to `filters`; None if they use anything that rollups do not sum.

        Relative times refer to `now`.
        """
        if filters.thread:
            return None
        values = {name: frozenset(chosen) for name in _FILTERS if (chosen := getattr(filters, name))}
        since, until = (limit.resolve(now) if limit else None for limit in (filters.since, filters.until))
        query: RollupQuery | None = cls(values, since, until)
        if filters.q:
            tree = filters.q.tree
            for part in tree.operands if isinstance(tree, And) else (tree,):
                query = query.narrow(part, now) if query and isinstance(part, Term) else None
        return query

    def narrow(self, term: Term, now: datetime) -> RollupQuery | None:
        """Return the query with the condition `term` added; None if rollups cannot answer it."""
        if term.field == "created":
            return self._narrow_time(term, now)
        name = _FILTER_OF_TERM.get(term.field)
        values = frozenset(operator.value for operator in term.operators if isinstance(operator, Equals))
        if name is None or len(values) < len(set(term.operators)):
            return None
        return RollupQuery({**self.values, name: self.values.get(name, values) & values}, self.since, self.until)

    def _narrow_time(self, term: Term, now: datetime) -> RollupQuery | None:
        match term.operators:
            case (Comparison(">=", quantity),):
                since = quantity.bounds(now)[0]
                assert isinstance(since, datetime)  # noqa: S101 - `created` is a field of times
                return RollupQuery(self.values, max(since, self.since) if self.since else since, self.until)
            case (Comparison("<", quantity),):
                until = quantity.bounds(now)[0]
                assert isinstance(until, datetime)  # noqa: S101
                return RollupQuery(self.values, self.since, min(until, self.until) if self.until else until)
        return None

    @property
    def is_timed(self) -> bool:
        """Return whether the query is limited in time."""
        return self.since is not None or self.until is not None
