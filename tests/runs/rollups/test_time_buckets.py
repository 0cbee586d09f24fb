"""Time buckets, in every zone and where clocks change."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.rollups.time_buckets import (
    DAY,
    EARLIEST,
    HOUR,
    LATEST,
    MAX_BUCKETS,
    Correction,
    align_edges,
    build_equal_edges,
    build_local_edges,
    build_recent_buckets,
    build_time_buckets,
    start_of_day,
    start_of_hour,
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def hours_between(edges: tuple[datetime, ...]) -> list[float]:
    return [(until - since) / HOUR for since, until in pairwise(edges)]


# --- build_time_buckets

times = st.datetimes(datetime(1960, 1, 1), datetime(9990, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(times, times)
def test_few_buckets_cover_the_whole_range(one: datetime, other: datetime) -> None:
    first, last = min(one, other), max(one, other)
    buckets = build_time_buckets(first, last)
    assert buckets.start <= max(first, EARLIEST)
    assert buckets.end > last or last < EARLIEST
    assert 1 <= buckets.count <= MAX_BUCKETS + 2


# The end of the last bucket must be a time by the clocks, too.
early = st.datetimes(datetime(1960, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(early, early, st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Apia"]))
def test_buckets_cover_the_range_in_any_zone(one: datetime, other: datetime, name: str) -> None:
    first, last = max(min(one, other), EARLIEST), max(one, other)
    buckets = build_time_buckets(first, last, ZoneInfo(name))
    assert buckets.start <= first
    assert buckets.end > last or last < first
    assert list(buckets.edges) == sorted(set(buckets.edges))
    if buckets.step > HOUR:
        clocks = [edge.astimezone(ZoneInfo(name)) for edge in buckets.edges]
        assert sum((clock.minute, clock.second) != (0, 0) for clock in clocks) <= 2  # where clocks changed


def test_days_begin_at_local_midnight() -> None:
    zone = ZoneInfo("America/New_York")
    first, last = datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)
    buckets = build_time_buckets(first, last, zone, min_step=DAY)
    assert {edge.astimezone(zone).hour for edge in buckets.edges} == {0}
    lengths = [later - edge for edge, later in pairwise(buckets.edges)]
    assert lengths.count(DAY) == len(lengths) - 1
    assert min(lengths) == timedelta(hours=23)
    assert (buckets.has_whole_hours, buckets.has_whole_days) == (True, False)


def test_half_hour_zone_has_no_whole_hours() -> None:
    first, last = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC)
    assert not build_time_buckets(first, last, ZoneInfo("Asia/Kolkata")).has_whole_hours
    assert build_time_buckets(first, last, min_step=DAY).has_whole_days


@pytest.mark.parametrize(
    ("length", "step"),
    [
        (timedelta(0), timedelta(seconds=1)),
        (timedelta(minutes=1), timedelta(seconds=1)),
        (timedelta(hours=1), timedelta(minutes=1)),
        (timedelta(hours=24), timedelta(minutes=15)),
        (timedelta(days=7), timedelta(hours=2)),
        (timedelta(days=30), timedelta(hours=12)),
        (timedelta(days=365), timedelta(days=7)),
    ],
)
def test_bucket_length_is_a_round_time(length: timedelta, step: timedelta) -> None:
    last = datetime(2026, 11, 20, 14, 31, 7, tzinfo=UTC)
    buckets = build_time_buckets(last - length, last)
    assert buckets.step == step
    seconds = (buckets.start - datetime(2001, 1, 1, tzinfo=UTC)).total_seconds()
    assert seconds % step.total_seconds() == 0


def test_weeks_begin_on_mondays() -> None:
    last = datetime(2026, 11, 20, 14, 31, tzinfo=UTC)
    assert build_time_buckets(last - timedelta(days=400), last).start.weekday() == 0


def test_min_step_lengthens_buckets() -> None:
    last = datetime(2026, 11, 20, 14, 31, tzinfo=UTC)
    assert build_time_buckets(last - timedelta(minutes=5), last, min_step=HOUR).step == HOUR


def test_last_bucket_ends_with_latest_time() -> None:
    assert build_time_buckets(LATEST - timedelta(days=1000), LATEST).end == LATEST


# --- build_recent_buckets


@pytest.mark.parametrize("minute", [0, 59])
def test_recent_buckets_end_with_current_hour(minute: int) -> None:
    buckets = build_recent_buckets(datetime(2026, 11, 18, 11, minute, 40, tzinfo=UTC), timedelta(days=7), 28)
    assert (buckets.start, buckets.end) == (at("2026-11-11T12:00"), at("2026-11-18T12:00"))
    assert (buckets.step, buckets.count) == (timedelta(hours=6), 28)


# --- build_local_edges


@pytest.mark.parametrize(
    ("zone", "since", "until", "hours"),
    [
        # clocks go forward, and back
        ("Europe/Berlin", "2026-03-27T23:00", "2026-04-05T22:00", [24, 23, *[24] * 7]),
        ("Europe/Berlin", "2026-10-23T22:00", "2026-11-01T23:00", [24, 25, *[24] * 7]),
        # the day begins at 01:00, since there is no midnight
        ("Africa/Cairo", "2026-04-22T22:00", "2026-05-01T21:00", [24, 23, *[24] * 7]),
        # clocks change by half an hour
        ("Australia/Lord_Howe", "2026-10-02T13:30", "2026-10-11T13:00", [24, 23.5, *[24] * 7]),
        ("Asia/Kathmandu", "2026-11-01T18:15", "2026-11-10T18:15", [24] * 9),
    ],
)
def test_local_days_last_from_midnight_to_midnight(zone: str, since: str, until: str, hours: list[float]) -> None:
    # long enough that a bucket is a day
    edges = build_local_edges(at(since), at(until) + timedelta(days=40), ZoneInfo(zone))
    assert hours_between(edges)[: len(hours)] == hours


def test_local_edges_keep_both_ends() -> None:
    edges = build_local_edges(at("2026-10-01T10:20"), at("2026-11-20T14:30"), ZoneInfo("UTC"))
    assert edges[:2] == (at("2026-10-01T10:20"), at("2026-10-02T00:00"))
    assert edges[-2:] == (at("2026-11-20T00:00"), at("2026-11-20T14:30"))


def test_local_hours_are_complete_when_clocks_change() -> None:
    edges = build_local_edges(at("2026-10-24T22:00"), at("2026-10-25T23:00"), ZoneInfo("Europe/Berlin"))
    assert hours_between(edges) == [1] * 25
    edges = build_local_edges(at("2026-11-20T14:00"), at("2026-11-20T17:00"), ZoneInfo("Asia/Kolkata"))
    assert hours_between(edges) == [0.5, 1, 1, 0.5]


@pytest.mark.parametrize("days", [0.01, 1, 4, 8, 30, 90, 97, 700, 3000, 20_000, 2_000_000])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
def test_local_edges_are_few_and_ascending(days: float, zone: str) -> None:
    since = at("1970-01-01T00:00")
    edges = build_local_edges(since, since + timedelta(days=days), ZoneInfo(zone))
    assert 2 <= len(edges) <= MAX_BUCKETS + 2
    assert all(first < second for first, second in pairwise(edges))


def test_skipped_local_day_adds_no_edge() -> None:
    edges = build_local_edges(at("2011-12-20T10:00"), at("2012-01-20T10:00"), ZoneInfo("Pacific/Apia"))
    assert set(hours_between(edges)) == {24}


def test_start_of_day_and_hour_are_local() -> None:
    moment = datetime(2026, 11, 20, 20, 5, 9, tzinfo=UTC)
    assert start_of_day(moment, ZoneInfo("Asia/Kathmandu")) == at("2026-11-20T18:15")
    assert start_of_day(moment, ZoneInfo("Asia/Kathmandu"), days_back=2) == at("2026-11-18T18:15")
    assert start_of_hour(moment, ZoneInfo("Asia/Kathmandu")) == at("2026-11-20T19:15")


# --- build_equal_edges


def test_equal_edges_move_to_full_hours() -> None:
    edges = build_equal_edges(at("2026-05-01T00:40"), at("2026-05-01T04:40"), 8)
    assert [f"{edge:%H:%M}" for edge in edges] == [
        "00:40", "02:00", "02:00", "03:00", "03:00", "04:00", "04:00", "04:10", "04:40",
    ]  # fmt: skip


def test_equal_edges_within_an_hour_are_exact() -> None:
    edges = build_equal_edges(at("2026-05-01T10:10"), at("2026-05-01T10:50"), 4)
    assert hours_between(edges) == [pytest.approx(1 / 6)] * 4


# --- align_edges


def count_between(edges: tuple[datetime, ...], moments: list[datetime]) -> list[int]:
    return [sum(since <= moment < until for moment in moments) for since, until in pairwise(edges)]


def apply(counts: list[int], corrections: tuple[Correction, ...], moments: list[datetime]) -> list[int]:
    for correction in corrections:
        count = sum(correction.since <= moment < correction.until for moment in moments)
        if correction.add_to is not None:
            counts[correction.add_to] += count
        if correction.subtract_from is not None:
            counts[correction.subtract_from] -= count
    return counts


@pytest.mark.parametrize("use_days", [False, True])
@pytest.mark.parametrize("seed", range(30))
def test_corrections_make_aligned_sums_exact(seed: int, use_days: bool) -> None:
    rng = random.Random(seed)
    start = at("2026-05-01T00:00")
    length = rng.choice([40, 600, 5000])  # minutes

    def moment() -> datetime:
        return start + timedelta(minutes=rng.randrange(length))

    edges = tuple(sorted(moment() for _ in range(rng.randrange(2, 12))))
    moments = [moment() for _ in range(500)] + [*edges]
    aligned = align_edges(edges, use_days=use_days)
    unit = DAY if use_days else HOUR
    assert all((edge - EARLIEST) % unit == timedelta(0) for edge in aligned.edges)
    for correction in aligned.hour_corrections:
        assert (correction.since - EARLIEST) % HOUR == (correction.until - EARLIEST) % HOUR == timedelta(0)
    counts = count_between(aligned.edges, moments)
    counts = apply(counts, aligned.hour_corrections, moments)
    assert apply(counts, aligned.run_corrections, moments) == count_between(edges, moments)


def test_no_stretch_of_time_is_corrected_twice() -> None:
    edges = tuple(at("2026-05-01T10:00") + timedelta(minutes=5 * index) for index in range(30))
    for corrections in (
        align_edges(edges, use_days=True).hour_corrections,
        align_edges(edges, use_days=True).run_corrections,
    ):
        assert all(first.until <= second.since for first, second in pairwise(corrections))


def test_unlimited_edges_need_no_correction() -> None:
    aligned = align_edges((EARLIEST, LATEST), use_days=True)
    assert aligned.edges == (EARLIEST, LATEST)
    assert not aligned.hour_corrections + aligned.run_corrections
