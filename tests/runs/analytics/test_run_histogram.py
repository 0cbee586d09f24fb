"""Histograms from hourly rollups, from daily rollups and from a sample equal a recount of the runs."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta, tzinfo
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest

from runs.analytics import recent_sample
from runs.analytics.run_histogram import RunHistogram
from runs.analytics.run_overview import fetch_run_overview
from runs.models import Project
from runs.query import RunFilters
from tests import factories

START = datetime(2026, 10, 24, 7, 20, tzinfo=UTC)
NOW = START + timedelta(days=2)
STATUSES = ("completed", "completed", "failed", "of their own")
BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
Made = list[tuple[datetime, str]]


@pytest.fixture
def posted(project: Project) -> Made:
    """Time and status of eighty runs over two days, newest first; another project has one as well."""
    rng = random.Random(5)
    runs = [(START + timedelta(seconds=rng.randrange(2 * 86_400)), rng.choice(STATUSES)) for _ in range(80)]
    factories.post(project, *(_object(*run) for run in runs))
    factories.post(factories.make_project("other"), _object(START, "failed"))
    return sorted(runs, reverse=True)


def _object(time: datetime, status: str) -> dict[str, object]:
    at = int(time.timestamp())
    return factories.run_object(created_at=at, started_at=at, completed_at=at, status=status)


@pytest.fixture
def counts_seven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_sample, "MAX_SAMPLE_SIZE", 7)


def fetch_histogram(project: Project, query: str, zone: tzinfo = UTC) -> RunHistogram | None:
    filters = RunFilters.parse_params(parse_qs(query))
    return fetch_run_overview(project, filters, filters.plan(project, NOW), ("status",), zone).histogram


def recount(result: RunHistogram, runs: Made) -> tuple[Counter[str], ...]:
    bars: tuple[Counter[str], ...] = tuple(Counter() for _ in range(result.buckets.count))
    for time, status in runs:
        bars[max(index for index, edge in enumerate(result.buckets.edges) if edge <= time)][status] += 1
    return bars


def select_matches(runs: Made, query: str) -> Made:
    requested = parse_qs(query)
    since, until = (datetime.fromisoformat(requested.get(name, [other])[0]) for name, other in
                    (("from", "2000-01-01T00:00Z"), ("to", "2100-01-01T00:00Z")))  # fmt: skip
    return [run for run in runs if since <= run[0] < until and run[1] in requested.get("status", STATUSES)]


QUERIES = [
    "",
    "status=failed",
    "from=2026-10-24T10:10:00Z",
    "to=2026-10-25T23:30:00Z",
    "from=2026-10-24T10:10:00Z&to=2026-10-25T23:30:00Z&status=completed",
]


@pytest.mark.parametrize("zone", [UTC, BERLIN, KOLKATA], ids=str)
@pytest.mark.parametrize("query", QUERIES)
def test_sample_of_few_matches_is_exact(project: Project, posted: Made, query: str, zone: tzinfo) -> None:
    result = fetch_histogram(project, query, zone)
    assert result is not None
    assert result.counts == recount(result, select_matches(posted, query))
    assert result.counted_since is None
    assert result.buckets.zone is zone


@pytest.mark.usefixtures("counts_seven")
@pytest.mark.parametrize("zone", [UTC, BERLIN], ids=str)
@pytest.mark.parametrize("query", [*QUERIES, "model=gpt-4o-mini", "q=status:completed,failed created:>=2026-10-24"])
def test_rollups_give_exact_counts_of_many_matches(project: Project, posted: Made, query: str, zone: tzinfo) -> None:
    result = fetch_histogram(project, query, zone)
    expected = select_matches(posted, query)
    assert result is not None
    if query.startswith("q"):
        expected = [run for run in expected if run[1] != "of their own"]
    assert result.counts == recount(result, expected)
    assert result.counted_since is None


@pytest.mark.usefixtures("counts_seven")
def test_half_hour_zone_uses_utc_buckets(project: Project, posted: Made) -> None:
    filters = "from=2026-10-14T10:10:00Z"  # so long that a bar is longer than an hour
    result = fetch_histogram(project, filters, KOLKATA)
    assert result is not None
    assert (result.buckets.step > timedelta(hours=1), result.buckets.zone) == (True, UTC)
    assert result.counts == recount(result, posted)


@pytest.mark.usefixtures("counts_seven")
@pytest.mark.parametrize("query", ["q=total_tokens:>0", "thread=t", "q=-status:cancelled"])
def test_query_without_rollup_uses_newest_matches(project: Project, query: str) -> None:
    times = [(START + timedelta(hours=5 * n), STATUSES[n % 4]) for n in range(20)]
    factories.post(project, *({**_object(*item), "thread_id": "t"} for item in times))
    result = fetch_histogram(project, query)
    assert result is not None
    counted = sorted(times, reverse=True)[:7]
    assert result.counts == recount(result, counted)
    assert result.counted_since == counted[-1][0]


def test_no_match_gives_no_histogram(project: Project) -> None:
    assert fetch_histogram(project, "") is None


def test_simultaneous_runs_fill_last_of_many_buckets(project: Project) -> None:
    factories.post(project, _object(START, "failed"), _object(START, "completed"))
    result = fetch_histogram(project, "")
    assert result is not None
    assert result.buckets.count >= 60
    assert result.counts[-1] == Counter(failed=1, completed=1)
    assert not any(result.counts[:-1])
