"""The picture of runs over time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from dashboard.pages.runs.histogram import HistogramChart
from runs.analytics.histogram import RunHistogram
from runs.rollups.time_buckets import TimeBuckets, build_time_buckets

START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def picture(*bars: dict[str, int], since: datetime | None = None, **step: float) -> HistogramChart:
    length = timedelta(**(step or {"minutes": 15}))
    span = TimeBuckets(tuple(START + length * place for place in range(len(bars) + 1)), length)
    return HistogramChart(RunHistogram(span, tuple(map(Counter, bars)), since))


def test_failed_runs_are_stacked_at_the_bottom() -> None:
    found = picture({"completed": 3, "failed": 1}, {}, {"completed": 2, "odd": 2})
    assert [(layer.status, layer.path) for layer in found.layers] == [
        ("failed", "M0 48.0h0.8v16.0h-0.8z"),
        ("completed", "M0 0.0h0.8v48.0h-0.8zM2 32.0h0.8v32.0h-0.8z"),
        ("odd", "M2 0.0h0.8v32.0h-0.8z"),
    ]
    assert (found.peak, found.count, found.every) == (4, 3, "15 minutes")
    assert [(slot.place, slot.words) for slot in found.slots] == [
        (0, "2026-11-20 14:30, 15 minutes: 1 Failed, 3 Completed"),
        (2, "2026-11-20 15:00, 15 minutes: 2 Completed, 2 odd"),
    ]


def test_description_summarizes_the_chart() -> None:
    assert picture({"completed": 30, "failed": 1}, {"failed": 2}).sentence == (
        "Runs per 15 minutes from 2026-11-20 14:30 to 2026-11-20 15:00 UTC. 33 in all, 31 at most. "
        "3 failed, most at 2026-11-20 14:45: 2."
    )
    assert picture({"completed": 1}, hours=1).sentence.startswith("Runs per hour from")
    assert "None failed." in picture({"completed": 1}).sentence


def test_uncounted_range_is_drawn_and_described() -> None:
    found = picture({}, {}, {"completed": 1}, since=START + timedelta(minutes=30))
    assert found.uncounted == "2.00"
    assert found.sentence.endswith("Only the newest 1 are counted.")
    assert picture({"completed": 1}).uncounted == ""


@pytest.mark.parametrize(
    ("count", "step", "texts"),
    [
        (10, {"seconds": 1}, ["14:30:00", "14:30:05"]),
        (96, {"minutes": 15}, ["16:00", "20:00", "21 Nov", "04:00", "08:00", "12:00"]),
        (28, {"hours": 6}, ["21 Nov", "22 Nov", "23 Nov", "24 Nov", "25 Nov", "26 Nov", "27 Nov"]),
        (60, {"days": 7}, ["Nov 2026", "Mar 2027", "May 2027", "Aug 2027", "Nov 2027"]),
    ],
)
def test_axis_has_few_round_times(count: int, step: dict[str, float], texts: list[str]) -> None:
    found = picture({"completed": 1}, *[{}] * (count - 1), **step)
    assert [tick.text for tick in found.ticks] == texts


def test_days_follow_the_time_zone() -> None:
    zone = ZoneInfo("Europe/Berlin")
    parts = build_time_buckets(
        datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC), zone, min_step=timedelta(days=1)
    )
    found = HistogramChart(RunHistogram(parts, tuple(Counter(completed=1) for _ in range(parts.count))))
    assert found.zone == "Europe/Berlin"
    assert found.sentence.startswith("Runs per day from 2026-10-01 to 2026-12-01 Europe/Berlin.")
    assert [slot.words.split(",")[0] for slot in found.slots[23:27]] == [
        "2026-10-24", "2026-10-25", "2026-10-26", "2026-10-27",
    ]  # fmt: skip
    edges = [int(each) for each in found.edges.split()]
    assert [(later - edge) // 3600 for edge, later in pairwise(edges[23:27])] == [24, 25, 24]
