"""The histogram against counting by hand: from the sums of hours and of days, and from the runs themselves."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta, tzinfo
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest

from runs.analytics import recent_sample
from runs.analytics.histogram import RunHistogram
from runs.analytics.overview import fetch_run_overview
from runs.models import Project
from runs.query import RunFilters
from tests import factories

START = datetime(2026, 10, 24, 7, 20, tzinfo=UTC)
NOW = START + timedelta(days=2)
STATUSES = ("completed", "completed", "failed", "of their own")
BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
Made = list[tuple[datetime, str]]


@pytest.fixture
def made(project: Project) -> Made:
    """Eighty runs over two days, newest first, with when and status; another project has one too."""
    chance = random.Random(5)
    runs = [(START + timedelta(seconds=chance.randrange(2 * 86_400)), chance.choice(STATUSES)) for _ in range(80)]
    factories.post(project, *(_object(*run) for run in runs))
    factories.post(factories.make_project("other"), _object(START, "failed"))
    return sorted(runs, reverse=True)


def _object(time: datetime, status: str) -> dict[str, object]:
    at = int(time.timestamp())
    return factories.run_object(created_at=at, started_at=at, completed_at=at, status=status)


@pytest.fixture
def counts_seven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_sample, "MAX_SAMPLE_SIZE", 7)


def drawn(project: Project, query: str, zone: tzinfo = UTC) -> RunHistogram | None:
    filters = RunFilters.parse_params(parse_qs(query))
    return fetch_run_overview(project, filters, filters.plan(project, NOW), ("status",), zone).histogram


def by_hand(found: RunHistogram, runs: Made) -> tuple[Counter[str], ...]:
    bars: tuple[Counter[str], ...] = tuple(Counter() for _ in range(found.buckets.count))
    for time, status in runs:
        bars[max(place for place, edge in enumerate(found.buckets.edges) if edge <= time)][status] += 1
    return bars


def matching(runs: Made, query: str) -> Made:
    asked = parse_qs(query)
    since, until = (datetime.fromisoformat(asked.get(name, [other])[0]) for name, other in
                    (("from", "2000-01-01T00:00Z"), ("to", "2100-01-01T00:00Z")))  # fmt: skip
    return [run for run in runs if since <= run[0] < until and run[1] in asked.get("status", STATUSES)]


QUERIES = [
    "",
    "status=failed",
    "from=2026-10-24T10:10:00Z",
    "to=2026-10-25T23:30:00Z",
    "from=2026-10-24T10:10:00Z&to=2026-10-25T23:30:00Z&status=completed",
]


@pytest.mark.parametrize("zone", [UTC, BERLIN, KOLKATA], ids=str)
@pytest.mark.parametrize("query", QUERIES)
def test_few_matches_are_counted_one_by_one(project: Project, made: Made, query: str, zone: tzinfo) -> None:
    found = drawn(project, query, zone)
    assert found is not None
    assert found.counts == by_hand(found, matching(made, query))
    assert found.counted_since is None
    assert found.buckets.zone is zone


@pytest.mark.usefixtures("counts_seven")
@pytest.mark.parametrize("zone", [UTC, BERLIN], ids=str)
@pytest.mark.parametrize("query", [*QUERIES, "model=gpt-4o-mini", "q=status:completed,failed created:>=2026-10-24"])
def test_many_matches_are_exact_where_sums_know_them(project: Project, made: Made, query: str, zone: tzinfo) -> None:
    found = drawn(project, query, zone)
    expected = matching(made, query)
    assert found is not None
    if query.startswith("q"):
        expected = [run for run in expected if run[1] != "of their own"]
    assert found.counts == by_hand(found, expected)
    assert found.counted_since is None


@pytest.mark.usefixtures("counts_seven")
def test_where_hours_of_a_zone_are_no_full_ones_sums_are_drawn_in_utc(project: Project, made: Made) -> None:
    filters = "from=2026-10-14T10:10:00Z"  # so long that a bar is longer than an hour
    found = drawn(project, filters, KOLKATA)
    assert found is not None
    assert (found.buckets.step > timedelta(hours=1), found.buckets.zone) == (True, UTC)
    assert found.counts == by_hand(found, made)


@pytest.mark.usefixtures("counts_seven")
@pytest.mark.parametrize("query", ["q=total_tokens:>0", "thread=t", "q=-status:cancelled"])
def test_what_no_sum_knows_is_about_the_newest_alone(project: Project, query: str) -> None:
    times = [(START + timedelta(hours=5 * n), STATUSES[n % 4]) for n in range(20)]
    factories.post(project, *({**_object(*each), "thread_id": "t"} for each in times))
    found = drawn(project, query)
    assert found is not None
    counted = sorted(times, reverse=True)[:7]
    assert found.counts == by_hand(found, counted)
    assert found.counted_since == counted[-1][0]


def test_where_nothing_matches_nothing_is_drawn(project: Project) -> None:
    assert drawn(project, "") is None


def test_runs_of_one_moment_are_a_slim_bar_at_the_end_of_a_minute(project: Project) -> None:
    factories.post(project, _object(START, "failed"), _object(START, "completed"))
    found = drawn(project, "")
    assert found is not None
    assert found.buckets.count >= 60
    assert found.counts[-1] == Counter(failed=1, completed=1)
    assert not any(found.counts[:-1])
