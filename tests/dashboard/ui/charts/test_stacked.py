"""Tests for stacked bar charts, with their legend, table and description."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.template.loader import render_to_string

from dashboard.ui import formats
from dashboard.ui.charts import ChartSeries, StackedChart, build_stacked_chart
from dashboard.ui.charts.stacked import ChartCell

BERLIN = ZoneInfo("Europe/Berlin")
HOURS = [datetime(2026, 11, 20, 14, tzinfo=UTC) + timedelta(hours=place) for place in range(4)]
# 24, 25 and 26 October: the second one has 25 hours
DAYS = [datetime(2026, 10, day, tzinfo=BERLIN) for day in (24, 25, 26, 27)]


def chart(**changes: Any) -> StackedChart:
    series = [ChartSeries("gpt-4o", [30, 0, 10]), ChartSeries("o4-mini", [10, 0, 0])]
    return build_stacked_chart("Tokens", HOURS, series, **changes)


def test_series_are_stacked_in_order() -> None:
    assert [
        (layer.label, layer.css_class, layer.status, layer.path, layer.total) for layer in chart(height=40).layers
    ] == [
        ("gpt-4o", "c1", "", "M0 10.0h0.8v30.0h-0.8zM2 30.0h0.8v10.0h-0.8z", "40"),
        ("o4-mini", "c2", "", "M0 0.0h0.8v10.0h-0.8z", "10"),
    ]


def test_nonempty_bars_have_tooltips() -> None:
    assert [(tooltip.index, tooltip.text) for tooltip in chart().tooltips] == [
        (0, "20 Nov 2026, 14:00, 1 hour: 40 in total, 10 o4-mini, 30 gpt-4o"),
        (2, "20 Nov 2026, 16:00, 1 hour: 10 gpt-4o"),
    ]


def test_chart_has_description_and_caption() -> None:
    stacked = chart(format_value=formats.format_tokens)
    assert stacked.caption == "Tokens per hour, UTC"
    assert stacked.description == (
        "Tokens per hour from 20 Nov 2026, 14:00 to 20 Nov 2026, 17:00 UTC. "
        "50 in total, at most 40, at 20 Nov 2026, 14:00. gpt-4o 40, o4-mini 10."
    )


def test_days_follow_zone_across_clock_changes() -> None:
    stacked = build_stacked_chart("Runs", DAYS, [ChartSeries("all", [1, 2, 3])], zone=BERLIN)
    assert stacked.caption == "Runs per day, Europe/Berlin"
    assert [tooltip.text for tooltip in stacked.tooltips][1] == "25 Oct 2026, 1 day: 2 all"
    edges = [int(edge) for edge in stacked.bar_edges.split()]
    assert [until - since for since, until in pairwise(edges)] == [86_400, 90_000, 86_400]


def test_table_lists_every_number_newest_first() -> None:
    rows = chart().rows
    assert (rows[0].time, rows[0].cells) == ("20 Nov 2026, 16:00", (ChartCell("10"), ChartCell("0")))
    assert rows[0].total == ChartCell("10")
    assert len(rows) == 3


def test_nonzero_cells_have_links() -> None:
    rows = chart(build_url=lambda series, since, _: f"?{series}&from={since:%H}").rows
    assert rows[0].cells == (ChartCell("10", "?0&from=16"), ChartCell("0"))
    assert rows[0].total.url == "?None&from=16"


def test_partial_day_counts_as_day() -> None:
    until = datetime(2026, 10, 27, 14, 30, tzinfo=BERLIN)
    stacked = build_stacked_chart("Runs", [*DAYS, until], [ChartSeries("all", [1, 2, 3, 4])], zone=BERLIN)
    assert [tooltip.text for tooltip in stacked.tooltips][-1] == "27 Oct 2026, 1 day: 4 all"
    assert "from 24 Oct 2026 to 27 Oct 2026 Europe/Berlin" in stacked.description


def test_empty_chart_is_described_as_empty() -> None:
    stacked = build_stacked_chart("Runs", HOURS, [ChartSeries("all", [0, 0, 0])])
    assert stacked.description.endswith("All bars are empty.")
    assert not stacked.tooltips
    assert build_stacked_chart("Runs", HOURS, []).totals == [0, 0, 0]


def test_status_series_have_status_colors() -> None:
    stacked = build_stacked_chart("Runs", HOURS, [ChartSeries("failed", [1, 0, 0], status="failed")])
    legend = render_to_string("ui/_legend.html", {"chart": stacked})
    assert '<li data-status="failed"><i></i>Failed</li>' in legend
    assert 'data-status="failed"' in render_to_string("ui/_chart.html", {"chart": stacked})


def test_chart_has_zoom_attributes() -> None:
    html = render_to_string("ui/_chart.html", {"chart": chart(zoom="/usage/?split=model")})
    assert 'data-zoom="/usage/?split=model" data-count="3" data-edges="1795183200 ' in html
    assert 'role="img" aria-label="Tokens per hour' in html
    assert "style=" not in html
    assert "data-zoom" not in render_to_string("ui/_chart.html", {"chart": chart()})


def test_series_length_must_match_bars() -> None:
    with pytest.raises(ValueError, match="one value for each bar"):
        build_stacked_chart("Runs", HOURS, [ChartSeries("all", [1])])
