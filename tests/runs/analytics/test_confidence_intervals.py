"""Intervals of proportions and of their differences, against published values."""

from __future__ import annotations

import pytest

from runs.analytics.confidence_intervals import ConfidenceInterval, Proportion, newcombe_interval, wilson_interval

# Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3: score method without continuity correction
WILSON = [
    (Proportion(81, 263), 0.2553, 0.3662),
    (Proportion(15, 148), 0.0624, 0.1605),
    (Proportion(0, 20), 0.0, 0.1611),
    (Proportion(1, 29), 0.0061, 0.1718),
]
# Newcombe 1998, Statistics in Medicine 17:873-890, table II, method 10: hybrid score; first minus second
NEWCOMBE = [
    (Proportion(56, 70), Proportion(48, 80), 0.0524, 0.3339),
    (Proportion(9, 10), Proportion(3, 10), 0.1705, 0.8090),
    (Proportion(5, 56), Proportion(0, 29), -0.0381, 0.1926),
    (Proportion(0, 10), Proportion(0, 20), -0.1611, 0.2775),
    (Proportion(0, 10), Proportion(0, 10), -0.2775, 0.2775),
    (Proportion(10, 10), Proportion(0, 20), 0.6791, 1.0),
    (Proportion(10, 10), Proportion(0, 10), 0.6075, 1.0),
]


@pytest.mark.parametrize(("share", "low", "high"), WILSON)
def test_wilson_interval_equals_published_values(share: Proportion, low: float, high: float) -> None:
    result = wilson_interval(share)
    assert (round(result.low, 4), round(result.high, 4)) == (low, high)


@pytest.mark.parametrize(("first", "second", "low", "high"), NEWCOMBE)
def test_newcombe_interval_equals_published_values(
    first: Proportion, second: Proportion, low: float, high: float
) -> None:
    result = newcombe_interval(second, first)
    assert result is not None
    assert (round(result.low, 4), round(result.high, 4)) == (low, high)


def test_newcombe_interval_is_antisymmetric() -> None:
    there, back = (
        newcombe_interval(Proportion(48, 80), Proportion(56, 70)),
        newcombe_interval(Proportion(56, 70), Proportion(48, 80)),
    )
    assert there is not None
    assert back is not None
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


def test_empty_sample_has_no_information() -> None:
    assert wilson_interval(Proportion(0, 0)) == ConfidenceInterval(0.0, 1.0)
    assert newcombe_interval(Proportion(0, 0), Proportion(1, 2)) is None
    assert newcombe_interval(Proportion(1, 2), Proportion(0, 0)) is None
    assert Proportion(0, 0).value is None


def test_single_runs_are_not_significant() -> None:
    result = newcombe_interval(Proportion(0, 1), Proportion(1, 1))
    assert result is not None
    assert not result.excludes_zero


@pytest.mark.parametrize("whole", [1, 2, 7, 2000])
def test_intervals_stay_within_bounds(whole: int) -> None:
    for part in (0, whole // 2, whole):
        result = wilson_interval(Proportion(part, whole))
        assert 0 <= result.low <= part / whole <= result.high <= 1
        other = newcombe_interval(Proportion(part, whole), Proportion(whole - part, whole))
        assert other is not None
        assert -1 <= other.low <= other.high <= 1
