"""Parts of a span of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.stats.spans import HOUR, MOST_PARTS, span

times = st.datetimes(datetime(1960, 1, 1), datetime(9990, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(times, times)
def test_the_parts_cover_all_of_it_and_are_not_many(one: datetime, other: datetime) -> None:
    first, last = min(one, other), max(one, other)
    found = span(first, last)
    assert found.start <= max(first, datetime(1970, 1, 1, tzinfo=UTC))
    assert found.at(found.count) > last or last < datetime(1970, 1, 1, tzinfo=UTC)
    assert 1 <= found.count <= MOST_PARTS + 2


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
    found = span(last - length, last)
    assert found.step == step
    seconds = (found.start - datetime(2001, 1, 1, tzinfo=UTC)).total_seconds()
    assert seconds % step.total_seconds() == 0


def test_weeks_begin_on_mondays_and_sums_of_hours_at_full_ones() -> None:
    last = datetime(2026, 11, 20, 14, 31, tzinfo=UTC)
    assert span(last - timedelta(days=400), last).start.weekday() == 0
    assert span(last - timedelta(minutes=5), last, least=HOUR).step == HOUR


def test_the_end_of_time_has_no_part_after_it() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    found = span(last - timedelta(days=1000), last)
    assert found.at(found.count) == last
