"""Tests for sparklines."""

from __future__ import annotations

from django.template.loader import render_to_string

from dashboard.ui.charts import build_sparkline


def test_bars_scale_to_the_highest_value() -> None:
    sparkline = build_sparkline([0, 4, 1000, 2])
    assert (sparkline.count, sparkline.highlighted_path) == (4, "")
    assert sparkline.path == "M1 19.0h0.8v1.0h-0.8zM2 0.0h0.8v20.0h-0.8zM3 19.0h0.8v1.0h-0.8z"


def test_highlighted_bars_have_their_own_path() -> None:
    sparkline = build_sparkline([1, 2], highlighted=[1])
    assert (sparkline.path, sparkline.highlighted_path) == ("M0 10.0h0.8v10.0h-0.8z", "M1 0.0h0.8v20.0h-0.8z")


def test_no_values_give_an_empty_chart() -> None:
    for sparkline in (build_sparkline([]), build_sparkline([0, 0])):
        assert (sparkline.path, sparkline.highlighted_path) == ("", "")
        assert "<path" not in render_to_string("ui/_spark.html", {"spark": sparkline})


def test_unlabeled_sparkline_is_hidden_from_screen_readers() -> None:
    assert 'aria-hidden="true"' in render_to_string("ui/_spark.html", {"spark": build_sparkline([1])})
    named = render_to_string("ui/_spark.html", {"spark": build_sparkline([1], label="One & all")})
    assert 'role="img" aria-label="One &amp; all"' in named
