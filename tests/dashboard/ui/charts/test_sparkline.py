"""Bars as small as a word."""

from __future__ import annotations

from django.template.loader import render_to_string

from dashboard.ui.charts import build_sparkline


def test_bars_scale_to_the_highest_value() -> None:
    found = build_sparkline([0, 4, 1000, 2])
    assert (found.count, found.hot) == (4, "")
    assert found.path == "M1 19.0h0.8v1.0h-0.8zM2 0.0h0.8v20.0h-0.8zM3 19.0h0.8v1.0h-0.8z"


def test_highlighted_bars_have_their_own_path() -> None:
    found = build_sparkline([1, 2], hot=[1])
    assert (found.path, found.hot) == ("M0 10.0h0.8v10.0h-0.8z", "M1 0.0h0.8v20.0h-0.8z")


def test_no_values_give_an_empty_chart() -> None:
    for found in (build_sparkline([]), build_sparkline([0, 0])):
        assert (found.path, found.hot) == ("", "")
        assert "<path" not in render_to_string("ui/_spark.html", {"spark": found})


def test_unlabeled_sparkline_is_hidden_from_screen_readers() -> None:
    assert 'aria-hidden="true"' in render_to_string("ui/_spark.html", {"spark": build_sparkline([1])})
    named = render_to_string("ui/_spark.html", {"spark": build_sparkline([1], label="One & all")})
    assert 'role="img" aria-label="One &amp; all"' in named
