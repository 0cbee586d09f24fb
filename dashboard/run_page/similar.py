"""Other runs that failed alike, lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from runs.filters import Moment, RunFilters
from runs.models import Run

# Counted no further, as everywhere.
_MOST = 10_000
_LATELY = "-24h"
_HOURS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Group:
    """Some runs with the same error: how many, in words, and the list of them."""

    count: str
    words: str
    url: str


def groups(run: Run, slug: str, now: datetime) -> list[Group]:
    """Runs of the last 24 hours with the error code of `run`: all, of its assistant, on its model."""
    if run.error_code is None:
        return []
    counts = Run.objects.like_failures(run, now - _HOURS, _MOST)
    is_capped = counts["all"] > _MOST
    found = [Group("10,000+" if is_capped else f"{counts['all']:,}", "in all", _url(run, slug))]
    chosen: dict[str, tuple[str, str | None]] = {
        "assistant": ("of this assistant", run.assistant_id),
        "model": ("on this model", run.model),
    }
    for name, (words, value) in chosen.items():
        if value:
            count = f"{'at least ' if is_capped else ''}{counts[name]:,}"
            found.append(Group(count, words, _url(run, slug, **{name: (value,)})))
    return found


def _url(run: Run, slug: str, **more: Any) -> str:
    filters = RunFilters(error=(run.error_code or "",), since=Moment.parse(_LATELY), **more)
    return f"{reverse('runs', kwargs={'project': slug})}?{filters.query()}"
