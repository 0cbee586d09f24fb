"""Tests for time axes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboard.ui.charts.time_axis import build_dated_ticks, build_ticks, format_bar_time, format_interval

KATHMANDU, BERLIN = ZoneInfo("Asia/Kathmandu"), ZoneInfo("Europe/Berlin")


def at(day: int, hour: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "zone", "texts"),
    [
        (at(20, 14), at(20, 15), UTC, ["14:00", "14:10", "14:20", "14:30", "14:40", "14:50"]),
        # 5:45 ahead of UTC
        (at(20, 12), at(21, 12), KATHMANDU, ["20:00", "21 Nov", "04:00", "08:00", "12:00", "16:00"]),
        (at(1), at(29), ZoneInfo("America/Los_Angeles"), ["2 Nov", "9 Nov", "16 Nov", "23 Nov"]),
        (at(1), at(15, 6), UTC, ["1 Nov", "4 Nov", "7 Nov", "10 Nov", "13 Nov"]),
        # clocks go from 02:00 to 03:00: there is no 02:00
        (at(29, 0, 3), at(29, 6, 3), BERLIN, ["01:00", "03:00", "04:00", "05:00", "06:00", "07:00"]),
        # clocks go from 00:00 to 01:00: the day begins then
        (
            at(20, 0, 4),
            at(26, 0, 4),
            ZoneInfo("Africa/Cairo"),
            ["21 Apr", "22 Apr", "23 Apr", "24 Apr", "25 Apr", "26 Apr"],
        ),
        # clocks go from 03:00 back to 02:00
        (at(25, 0, 10), at(25, 5, 10), BERLIN, ["02:00", "03:00", "04:00", "05:00"]),
    ],
)
def test_ticks_are_round_local_times(start: datetime, end: datetime, zone: ZoneInfo, texts: list[str]) -> None:
    assert [tick.text for tick in build_ticks(start, end, zone)] == texts


@pytest.mark.parametrize(
    ("start", "end", "texts"),
    [
        (at(20, 14), at(20, 17), ["20 Nov, 14:00", "15:00", "16:00"]),
        (at(20, 22), at(21, 2), ["22:00", "23:00", "21 Nov", "01:00"]),
        (at(20, 14), at(20, 14), ["20 Nov, 14:00:00"]),
    ],
)
def test_dated_ticks_name_the_day(start: datetime, end: datetime, texts: list[str]) -> None:
    assert [tick.text for tick in build_dated_ticks(start, end)] == texts


def test_tick_position_matches_its_time() -> None:
    ticks = build_ticks(at(24, 22, 10), at(25, 23, 10), BERLIN)  # a day of 25 hours
    assert [(tick.text, tick.x, tick.anchor) for tick in ticks][:3] == [
        ("25 Oct", "0.00%", "start"),
        ("04:00", "20.00%", "middle"),
        ("08:00", "36.00%", "middle"),
    ]


def test_bar_time_precision_follows_interval() -> None:
    moment = at(20, 22)
    assert format_bar_time(moment, timedelta(days=1), KATHMANDU) == "21 Nov 2026"
    assert format_bar_time(moment, timedelta(hours=1), KATHMANDU) == "21 Nov 2026, 03:45"
    assert format_bar_time(moment, timedelta(seconds=5)) == "20 Nov 2026, 22:00:00"


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ({"days": 14}, "2 weeks"),
        ({"days": 1}, "1 day"),
        ({"minutes": 15}, "15 minutes"),
        ({"seconds": 90}, "90 seconds"),
    ],
)
def test_interval_uses_largest_unit(step: dict[str, float], text: str) -> None:
    assert format_interval(timedelta(**step)) == text
