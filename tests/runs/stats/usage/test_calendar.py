"""Days of the reader's zone, when clocks change too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from runs.rollups.local_time import MAX_BARS, build_local_edges, start_of_day, start_of_hour


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def lengths(bounds: tuple[datetime, ...]) -> list[float]:
    return [(until - since) / timedelta(hours=1) for since, until in pairwise(bounds)]


@pytest.mark.parametrize(
    ("zone", "since", "until", "hours"),
    [
        # clocks go forward, and back
        ("Europe/Berlin", "2026-03-27T23:00", "2026-04-05T22:00", [24, 23, *[24] * 7]),
        ("Europe/Berlin", "2026-10-23T22:00", "2026-11-01T23:00", [24, 25, *[24] * 7]),
        # the day begins at 01:00 there, for there is no midnight
        ("Africa/Cairo", "2026-04-22T22:00", "2026-05-01T21:00", [24, 23, *[24] * 7]),
        # clocks change by half an hour
        ("Australia/Lord_Howe", "2026-10-02T13:30", "2026-10-11T13:00", [24, 23.5, *[24] * 7]),
        ("Asia/Kathmandu", "2026-11-01T18:15", "2026-11-10T18:15", [24] * 9),
    ],
)
def test_a_day_is_from_midnight_to_midnight(zone: str, since: str, until: str, hours: list[float]) -> None:
    # enough of them that a bar is a day
    bounds = build_local_edges(at(since), at(until) + timedelta(days=40), ZoneInfo(zone))
    assert lengths(bounds)[: len(hours)] == hours


def test_both_ends_may_be_within_a_day() -> None:
    bounds = build_local_edges(at("2026-10-01T10:20"), at("2026-11-20T14:30"), ZoneInfo("UTC"))
    assert bounds[:2] == (at("2026-10-01T10:20"), at("2026-10-02T00:00"))
    assert bounds[-2:] == (at("2026-11-20T00:00"), at("2026-11-20T14:30"))


def test_hours_are_those_of_the_clock_and_none_is_left_out_when_it_changes() -> None:
    bounds = build_local_edges(at("2026-10-24T22:00"), at("2026-10-25T23:00"), ZoneInfo("Europe/Berlin"))
    assert lengths(bounds) == [1] * 25
    bounds = build_local_edges(at("2026-11-20T14:00"), at("2026-11-20T17:00"), ZoneInfo("Asia/Kolkata"))
    assert lengths(bounds) == [0.5, 1, 1, 0.5]


@pytest.mark.parametrize("days", [0.01, 1, 4, 8, 30, 90, 97, 700, 3000, 20_000, 2_000_000])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
def test_bars_are_few_and_in_order(days: float, zone: str) -> None:
    since = at("1970-01-01T00:00")
    bounds = build_local_edges(since, since + timedelta(days=days), ZoneInfo(zone))
    assert 2 <= len(bounds) <= MAX_BARS + 2
    assert all(first < second for first, second in pairwise(bounds))


def test_days_and_hours_begin_by_the_clock() -> None:
    moment = datetime(2026, 11, 20, 20, 5, 9, tzinfo=UTC)
    assert start_of_day(moment, ZoneInfo("Asia/Kathmandu")) == at("2026-11-20T18:15")
    assert start_of_day(moment, ZoneInfo("Asia/Kathmandu"), back=2) == at("2026-11-18T18:15")
    assert start_of_hour(moment, ZoneInfo("Asia/Kathmandu")) == at("2026-11-20T19:15")
