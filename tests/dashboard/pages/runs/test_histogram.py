"""Tests for the histogram of runs over time."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from dashboard.pages.runs.histogram import HistogramChart
from dashboard.pages.runs.histogram import build_chart as build_chart_of
from runs.analytics import measured_histogram
from runs.analytics.measured_histogram import MeasuredHistogram, RunMeasure, fetch_measured_histogram
from runs.analytics.recent_sample import fetch_recent_sample
from runs.analytics.run_histogram import RunHistogram
from runs.models import Project
from runs.query import RunFilters
from runs.rollups.time_buckets import TimeBuckets, build_time_buckets
from tests import factories
from tests.pages import Page

START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def build_chart(*bars: dict[str, int], since: datetime | None = None, **step: float) -> HistogramChart:
    length = timedelta(**(step or {"minutes": 15}))
    span = TimeBuckets(tuple(START + length * index for index in range(len(bars) + 1)), length)
    return HistogramChart(RunHistogram(span, tuple(map(Counter, bars)), since))


def test_failed_runs_are_stacked_at_the_bottom() -> None:
    chart = build_chart({"completed": 3, "failed": 1}, {}, {"completed": 2, "odd": 2})
    assert [(layer.status, layer.path) for layer in chart.layers] == [
        ("failed", "M0 48.0h0.8v16.0h-0.8z"),
        ("completed", "M0 0.0h0.8v48.0h-0.8zM2 32.0h0.8v32.0h-0.8z"),
        ("odd", "M2 0.0h0.8v32.0h-0.8z"),
    ]
    assert (chart.max_total, chart.bar_count, chart.bar_interval) == (4, 3, "15 minutes")
    assert [(tooltip.index, tooltip.text) for tooltip in chart.tooltips] == [
        (0, "20 Nov 2026, 14:30, 15 minutes: 1 Failed, 3 Completed"),
        (2, "20 Nov 2026, 15:00, 15 minutes: 2 Completed, 2 odd"),
    ]


def test_description_summarizes_the_chart() -> None:
    assert build_chart({"completed": 30, "failed": 1}, {"failed": 2}).description == (
        "Runs per 15 minutes from 20 Nov 2026, 14:30 to 20 Nov 2026, 15:00 UTC. 33 in total, at most 31 in one bar. "
        "3 failed, most at 20 Nov 2026, 14:45: 2."
    )
    assert build_chart({"completed": 1}, hours=1).description.startswith("Runs per hour from")
    assert "None failed." in build_chart({"completed": 1}).description


def test_uncounted_range_is_drawn_and_described() -> None:
    chart = build_chart({}, {}, {"completed": 1}, since=START + timedelta(minutes=30))
    assert chart.uncounted_width == "2.00"
    assert chart.description.endswith("Only the newest 1 are counted.")
    assert build_chart({"completed": 1}).uncounted_width == ""


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
    chart = build_chart({"completed": 1}, *[{}] * (count - 1), **step)
    assert [tick.text for tick in chart.ticks] == texts


def test_days_follow_the_time_zone() -> None:
    zone = ZoneInfo("Europe/Berlin")
    buckets = build_time_buckets(
        datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC), zone, min_step=timedelta(days=1)
    )
    chart = HistogramChart(RunHistogram(buckets, tuple(Counter(completed=1) for _ in range(buckets.count))))
    assert chart.timezone == "Europe/Berlin"
    assert chart.description.startswith("Runs per day from 1 Oct 2026 to 1 Dec 2026 Europe/Berlin.")
    assert [tooltip.text.split(",")[0] for tooltip in chart.tooltips[23:27]] == [
        "24 Oct 2026", "25 Oct 2026", "26 Oct 2026", "27 Oct 2026",
    ]  # fmt: skip
    edges = [int(edge) for edge in chart.bar_edges.split()]
    assert [(later - edge) // 3600 for edge, later in pairwise(edges[23:27])] == [24, 25, 24]


@pytest.mark.parametrize(
    ("measure", "label", "texts"),
    [
        ("duration", "9.0 s", ["p95 duration 9.0 s, 2 runs", "p95 duration 0 ms, 1 run"]),
        ("cost", "$0.30", ["cost $0.3000, 2 runs", "cost $0.0000, 1 run"]),
        ("tokens", "1.20 k", ["tokens 1.20 k, 2 runs", "tokens 0, 1 run"]),
    ],
)
def test_measures_are_drawn_and_described(measure: str, label: str, texts: list[str]) -> None:
    values = {"duration": 9_000, "cost": 300_000_000, "tokens": 1_200}
    buckets = TimeBuckets(tuple(START + timedelta(hours=hour) for hour in range(4)), timedelta(hours=1))
    chart = build_chart_of(MeasuredHistogram(RunMeasure(measure), buckets, (values[measure], 0, 0), (2, 0, 1)))
    assert [layer.path for layer in chart.layers] == ["M0 0.0h0.8v64.0h-0.8z"]
    assert [tooltip.text.partition(": ")[2] for tooltip in chart.tooltips] == texts
    assert chart.max_label.startswith(label)
    assert chart.description.endswith(f"The highest is {chart.max_label}, at 20 Nov 2026, 14:30.")


def test_chart_can_be_chosen(member_client: Client, project: Project) -> None:
    for seconds in (2, 8):
        end = factories.NOW + seconds
        factories.post_run(project, created_at=factories.NOW, started_at=factories.NOW, completed_at=end)
    charts = Page(member_client.get("/p/default/runs/?status=completed&sort=-duration")).navigation("Chart")
    assert [link.name for link in charts.find_all("link")] == ["Runs", "Duration p95", "Cost", "Tokens"]
    page = Page(member_client.get(charts.link("Duration p95").url))
    chosen = page.navigation("Chart").link("Duration p95")
    assert chosen.is_current
    assert page.image(re.compile("^P95 duration per")).name.endswith("The highest is 8.0 s, at 18 Nov 2026, 11:06:40.")
    assert "sort=-duration" in chosen.url
    assert "chart" not in page.navigation("Chart").link("Runs").url


@pytest.mark.parametrize("value", ["runs", "p95", ""])
def test_unknown_chart_is_rejected(member_client: Client, project: Project, value: str) -> None:
    assert member_client.get(f"/p/default/runs/?chart={value}").status_code == 400


def test_newest_runs_are_measured(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for minute in range(4):
        created = factories.NOW + 60 * minute
        times = {"created_at": created, "started_at": created, "completed_at": created + minute}
        factories.post_run(project, **times)
    monkeypatch.setattr(measured_histogram, "MAX_SAMPLE_SIZE", 2)
    plan = RunFilters().plan(project)
    sample = fetch_recent_sample(project, plan, 2)
    found = fetch_measured_histogram(project, RunFilters(), plan, RunMeasure.DURATION, sample, UTC)
    assert found is not None
    assert (sum(found.runs), max(found.values)) == (2, 3000)
    assert found.counted_since == datetime.fromtimestamp(factories.NOW + 120, UTC)
