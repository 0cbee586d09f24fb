"""What stands above and beside the run list: totals of the matching runs, and how they divide.

Exact where the sums know what is asked for, and where few enough match; otherwise over the newest matches, and said so.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from runs.analytics import histogram, recent_sample
from runs.analytics.histogram import RunHistogram
from runs.analytics.recent_sample import RecentSample
from runs.db.keyset_pagination import NEWEST_FIRST, Order
from runs.models import Project
from runs.query import RunFilters
from runs.query.fields import CHOICE_PARAMS, ChoiceParam
from runs.query.planner import QueryPlan
from runs.rollups import reader
from runs.rollups.reader import RollupQuery, RunSums


@dataclass(frozen=True, slots=True)
class RunTotals:
    """Totals of the matching runs. Durations are milliseconds, None if no run has ended.

    The newest `sample_size` matches were read: all of them unless `is_capped`. `has_exact_sums` says that `runs`,
    `failed`, `tokens`, `cost` and `unpriced_tokens` are those of all matches nevertheless. `cost` is nano-dollars, None
    if no run has a price; `unpriced_tokens` are the tokens of runs without one.
    """

    runs: int
    is_capped: bool
    failed: int
    p50_ms: int | None
    p95_ms: int | None
    tokens: int | None
    cost: int | None
    unpriced_tokens: int
    sample_size: int
    has_exact_sums: bool = False


@dataclass(frozen=True, slots=True)
class RunFacet:
    """How the matching runs divide by one field, most frequent first; its own filter is left aside.

    `is_capped` says that they are the newest `sample_size` of more.
    """

    field: ChoiceParam
    counts: tuple[tuple[str, int], ...]
    is_capped: bool
    sample_size: int

    @property
    def max_count(self) -> int:
        """The largest count, for drawing proportions."""
        return max((count for _, count in self.counts), default=0)


@dataclass(frozen=True, slots=True)
class RunOverview:
    """All that is said of the matching runs; `histogram` is None where there are none.

    `first_ids` are the ids of the runs that the list begins with, None where that isn't known.
    """

    totals: RunTotals
    facets: Mapping[str, RunFacet]
    histogram: RunHistogram | None
    first_ids: list[uuid.UUID] | None = None


def fetch_run_overview(
    project: Project, filters: RunFilters, search: QueryPlan, names: tuple[str, ...], zone: tzinfo,
    *, order: Order = NEWEST_FIRST, first: int = 0,
) -> RunOverview:  # fmt: skip
    """What `search`, which is that of `filters`, comes to; facets of the fields `names`, bars in the days of `zone`.

    `first` is how many of the runs are wanted that a list in `order` begins with.
    """
    now = search.scope.now
    found = recent_sample.fetch_recent_sample(project, search, recent_sample.MAX_SAMPLE_SIZE, order, first)
    plain = RollupQuery.of(filters, now) if found.is_capped else None
    return RunOverview(
        _totals(found, reader.sum_runs_by_field(project, plain, "status") if plain else None),
        {field.name: _facet(project, filters, field, found, now) for field in CHOICE_PARAMS if field.name in names},
        histogram.fetch_run_histogram(project, filters, plain, found, now, zone),
        found.first_ids,
    )


def _totals(found: RecentSample, by_status: Mapping[str | None, RunSums] | None) -> RunTotals:
    if by_status is None:
        return RunTotals(
            found.runs, found.is_capped, found.failed, found.p50_ms, found.p95_ms, found.tokens, found.cost,
            found.unpriced_tokens, found.runs,
        )  # fmt: skip
    runs, tokens, cost, unpriced = (sum(each) for each in zip(*by_status.values(), strict=True))
    failed = by_status["failed"].runs if "failed" in by_status else 0
    return RunTotals(
        runs, found.is_capped, failed, found.p50_ms, found.p95_ms,
        None if found.tokens is None else tokens, cost or found.cost, unpriced, found.runs, has_exact_sums=True,
    )  # fmt: skip


def _facet(project: Project, filters: RunFilters, field: ChoiceParam, found: RecentSample, now: datetime) -> RunFacet:
    others = filters.without(field.name)
    plain = RollupQuery.of(others, now) if found.is_capped or others != filters else None
    known = reader.sum_runs_by_field(project, plain, field.name) if plain else None
    if known is not None:
        counts = {value: each.runs for value, each in known.items() if value is not None}
        return _ranked(field, counts, capped=False, counted=sum(each.runs for each in known.values()))
    if others == filters:
        return _ranked(field, found.groups[field.column], capped=found.is_capped, counted=found.runs)
    counts, counted, capped = recent_sample.count_recent_by(
        project, others.plan(project, now), recent_sample.MAX_SAMPLE_SIZE, field.column
    )
    return _ranked(field, counts, capped=capped, counted=counted)


def _ranked(field: ChoiceParam, counts: Mapping[str, int], *, capped: bool, counted: int) -> RunFacet:
    return RunFacet(field, tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))), capped, counted)
