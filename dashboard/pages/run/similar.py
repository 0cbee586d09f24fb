"""Other runs that ended badly in the same way: how many lately, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from runs.models import ErrorGroup, Run
from runs.query import RunFilters, TimeExpression
from runs.query.ast import Term
from runs.query.grammar import Query
from runs.query.operators import Equals

# Counted no further, as everywhere.
_MAX_COUNTED = 10_000
_LATELY = "-24h"
_HOURS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class SimilarRunCount:
    """Some of the runs: how many of the last 24 hours, in words, and the list of them."""

    count: str
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class SimilarRuns:
    """The error group of a run. `since` is when its first stored run was created, `url` is the group's page.

    `all_url` lists all of them.
    """

    group: ErrorGroup
    since: datetime
    url: str
    all_url: str
    lately: list[SimilarRunCount]

    @property
    def is_common(self) -> bool:
        """Whether more than one ended like this lately."""
        return self.lately[0].count not in ("0", "1")


def fetch_similar_runs(run: Run, slug: str, now: datetime) -> SimilarRuns | None:
    """The group of `run`; None for a run that did not end badly. Three queries."""
    group = run.error_group
    if group is None:
        return None
    of_group = Run.objects.in_error_group(group.pk)
    return SimilarRuns(
        group,
        of_group.oldest_created_at() or run.created_at,
        reverse("error-group", kwargs={"project": slug, "group": group.pk}),
        _url(run, slug),
        list(_lately(run, slug, of_group.count_similar(run, now - _HOURS, _MAX_COUNTED))),
    )


def _lately(run: Run, slug: str, counts: dict[str, int]) -> Iterator[SimilarRunCount]:
    """All of the last 24 hours, those of the run's assistant, and those on its model."""
    since = TimeExpression.parse(_LATELY)
    is_capped = counts["all"] > _MAX_COUNTED
    yield SimilarRunCount(
        f"{_MAX_COUNTED:,}+" if is_capped else f"{counts['all']:,}", "in all", _url(run, slug, since=since)
    )
    chosen: dict[str, tuple[str, str | None]] = {
        "assistant": ("of this assistant", run.assistant_id),
        "model": ("on this model", run.model),
    }
    for name, (words, value) in chosen.items():
        if value:
            count = f"{'at least ' if is_capped else ''}{counts[name]:,}"
            yield SimilarRunCount(count, words, _url(run, slug, since=since, **{name: (value,)}))


def _url(run: Run, slug: str, **more: Any) -> str:
    """The list of the group's runs."""
    group = run.error_group_id.hex if run.error_group_id else ""
    filters = RunFilters(q=Query(Term("error_group", (Equals(group),))), **more)
    return f"{reverse('runs', kwargs={'project': slug})}?{filters.query()}"
