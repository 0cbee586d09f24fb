"""The totals, facets and histogram of the runs of a list.

They are exact if rollups can answer the query or few enough runs match. Otherwise they are about the newest matches.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from runs.analytics import recent_sample
from runs.analytics.measured_histogram import MeasuredHistogram, RunMeasure, fetch_measured_histogram
from runs.analytics.recent_sample import RecentSample
from runs.analytics.run_histogram import RunHistogram, fetch_run_histogram
from runs.db.keyset_pagination import NEWEST_FIRST, Order
from runs.models import Project
from runs.query import RunFilters
from runs.query.fields import CHOICE_PARAMS, ChoiceParam
from runs.query.planner import QueryPlan
from runs.rollups import reader
from runs.rollups.reader import RunSums
from runs.rollups.rollup_query import RollupQuery


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
    """The values of one field with their numbers of runs, most frequent first, without the filter of this field.

    If `is_capped`, they are about the newest `sample_size` matches.
    """

    field: ChoiceParam
    counts: tuple[tuple[str, int], ...]
    is_capped: bool
    sample_size: int

    @property
    def max_count(self) -> int:
        """The largest count, 0 without any."""
        return max((count for _, count in self.counts), default=0)


@dataclass(frozen=True, slots=True)
class RunOverview:
    """All numbers of a list of runs; `histogram` is None if no run matches.

    `first_ids` are the ids of the first runs of the list, None if they are not known.
    """

    totals: RunTotals
    facets: Mapping[str, RunFacet]
    histogram: RunHistogram | MeasuredHistogram | None
    first_ids: list[uuid.UUID] | None = None


def fetch_run_overview(
    project: Project,
    filters: RunFilters,
    plan: QueryPlan,
    facet_names: tuple[str, ...],
    zone: tzinfo,
    *,
    measure: RunMeasure | None = None,
    order: Order = NEWEST_FIRST,
    first_count: int = 0,
) -> RunOverview:
    """Return the overview of the runs that match `filters`, whose plan is `plan`.

    The facets are those of the fields `facet_names`, and days of the histogram begin by the clocks of `zone`. It
    shows `measure`, or the numbers of runs by status without one.
    `first_count` is the number of ids of the first runs of a list in `order`.
    """
    now = plan.scope.now
    sample = recent_sample.fetch_recent_sample(project, plan, recent_sample.MAX_SAMPLE_SIZE, order, first_count)
    rollup_query = RollupQuery.from_filters(filters, now) if sample.is_capped else None
    by_status = reader.sum_runs_by_field(project, rollup_query, "status") if rollup_query else None
    params = (param for param in CHOICE_PARAMS if param.name in facet_names)
    histogram = (
        fetch_measured_histogram(project, filters, plan, measure, sample, zone)
        if measure
        else fetch_run_histogram(project, filters, rollup_query, sample, now, zone)
    )
    return RunOverview(
        totals=_build_totals(sample, by_status),
        facets={param.name: _fetch_facet(project, filters, param, sample, now) for param in params},
        histogram=histogram,
        first_ids=sample.first_ids,
    )


def _build_totals(sample: RecentSample, by_status: Mapping[str | None, RunSums] | None) -> RunTotals:
    """Return the sums of all runs by status if rollups have them, and those of the sample otherwise."""
    if by_status is None:
        return RunTotals(
            runs=sample.runs,
            is_capped=sample.is_capped,
            failed=sample.failed,
            p50_ms=sample.p50_ms,
            p95_ms=sample.p95_ms,
            tokens=sample.tokens,
            cost=sample.cost,
            unpriced_tokens=sample.unpriced_tokens,
            sample_size=sample.runs,
        )
    return RunTotals(
        runs=sum(sums.runs for sums in by_status.values()),
        is_capped=sample.is_capped,
        failed=by_status["failed"].runs if "failed" in by_status else 0,
        p50_ms=sample.p50_ms,
        p95_ms=sample.p95_ms,
        # Rollups do not tell 0 from no usage and no price.
        tokens=None if sample.tokens is None else sum(sums.tokens for sums in by_status.values()),
        cost=sum(sums.cost for sums in by_status.values()) or sample.cost,
        unpriced_tokens=sum(sums.unpriced_tokens for sums in by_status.values()),
        sample_size=sample.runs,
        has_exact_sums=True,
    )


def _fetch_facet(
    project: Project, filters: RunFilters, param: ChoiceParam, sample: RecentSample, now: datetime
) -> RunFacet:
    """Count the values of `param` among the runs that match all other filters."""
    others = filters.without(param.name)
    # 1. Rollups, unless the sample is complete and of the same runs.
    rollup_query = RollupQuery.from_filters(others, now) if sample.is_capped or others != filters else None
    by_value = reader.sum_runs_by_field(project, rollup_query, param.name) if rollup_query else None
    if by_value is not None:
        counts = {value: sums.runs for value, sums in by_value.items() if value is not None}
        return _build_facet(param, counts, is_capped=False, sample_size=sum(sums.runs for sums in by_value.values()))
    # 2. The sample, if it is of the same runs.
    if others == filters:
        return _build_facet(param, sample.groups[param.column], is_capped=sample.is_capped, sample_size=sample.runs)
    # 3. Another sample.
    counts, sample_size, is_capped = recent_sample.count_recent_by(
        project, others.plan(project, now), recent_sample.MAX_SAMPLE_SIZE, param.column
    )
    return _build_facet(param, counts, is_capped=is_capped, sample_size=sample_size)


def _build_facet(param: ChoiceParam, counts: Mapping[str, int], *, is_capped: bool, sample_size: int) -> RunFacet:
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return RunFacet(param, tuple(ranked), is_capped, sample_size)
