"""Parts of a span of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.rollups.time_buckets import DAY, HOUR, MAX_BUCKETS, build_time_buckets

times = st.datetimes(datetime(1960, 1, 1), datetime(9990, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(times, times)
def test_the_parts_cover_all_of_it_and_are_not_many(one: datetime, other: datetime) -> None:
    first, last = min(one, other), max(one, other)
    found = build_time_buckets(first, last)
    assert found.start <= max(first, datetime(1970, 1, 1, tzinfo=UTC))
    assert found.end > last or last < datetime(1970, 1, 1, tzinfo=UTC)
    assert 1 <= found.count <= MAX_BUCKETS + 2


# Of the last part's end there must be a time by the clocks, too.
early = st.datetimes(datetime(1960, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(early, early, st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Apia"]))
def test_so_they_do_by_the_clocks_of_any_zone(one: datetime, other: datetime, name: str) -> None:
    first, last = max(min(one, other), datetime(1970, 1, 1, tzinfo=UTC)), max(one, other)
    found = build_time_buckets(first, last, ZoneInfo(name))
    assert found.start <= first
    assert found.end > last or last < first
    assert list(found.edges) == sorted(set(found.edges))
    if found.step > HOUR:
        clocks = [edge.astimezone(ZoneInfo(name)) for edge in found.edges]
        assert sum((clock.minute, clock.second) != (0, 0) for clock in clocks) <= 2  # where clocks were set


def test_days_begin_at_midnight_however_long_they_are() -> None:
    zone = ZoneInfo("America/New_York")
    found = build_time_buckets(datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC), zone, least=DAY)
    assert {edge.astimezone(zone).hour for edge in found.edges} == {0}
    lengths = [later - edge for edge, later in pairwise(found.edges)]
    assert lengths.count(DAY) == len(lengths) - 1
    assert min(lengths) == timedelta(hours=23)
    assert (found.has_whole_hours, found.has_whole_days) == (True, False)


def test_hours_of_some_zones_are_not_whole_ones() -> None:
    first, last = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC)
    assert not build_time_buckets(first, last, ZoneInfo("Asia/Kolkata")).has_whole_hours
    assert build_time_buckets(first, last, least=DAY).has_whole_days


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
def test_steps_are_those_that_people_count_in(length: timedelta, step: timedelta) -> None:
    last = datetime(2026, 11, 20, 14, 31, 7, tzinfo=UTC)
    found = build_time_buckets(last - length, last)
    assert found.step == step
    seconds = (found.start - datetime(2001, 1, 1, tzinfo=UTC)).total_seconds()
    assert seconds % step.total_seconds() == 0


def test_weeks_begin_on_mondays_and_sums_of_hours_at_full_ones() -> None:
    last = datetime(2026, 11, 20, 14, 31, tzinfo=UTC)
    assert build_time_buckets(last - timedelta(days=400), last).start.weekday() == 0
    assert build_time_buckets(last - timedelta(minutes=5), last, least=HOUR).step == HOUR


def test_the_end_of_time_has_no_part_after_it() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    found = build_time_buckets(last - timedelta(days=1000), last)
    assert found.end == last
