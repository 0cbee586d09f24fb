"""Intervals for shares and their differences, against values that were published."""

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
def test_an_interval_of_a_share_is_wilsons(share: Proportion, low: float, high: float) -> None:
    found = wilson_interval(share)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@pytest.mark.parametrize(("first", "second", "low", "high"), NEWCOMBE)
def test_an_interval_of_a_difference_is_newcombes(
    first: Proportion, second: Proportion, low: float, high: float
) -> None:
    found = newcombe_interval(second, first)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_the_other_way_round_it_is_its_mirror() -> None:
    there, back = (
        newcombe_interval(Proportion(48, 80), Proportion(56, 70)),
        newcombe_interval(Proportion(56, 70), Proportion(48, 80)),
    )
    assert there is not None
    assert back is not None
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


def test_of_nothing_nothing_is_known() -> None:
    assert wilson_interval(Proportion(0, 0)) == ConfidenceInterval(0.0, 1.0)
    assert newcombe_interval(Proportion(0, 0), Proportion(1, 2)) is None
    assert newcombe_interval(Proportion(1, 2), Proportion(0, 0)) is None
    assert Proportion(0, 0).value is None


def test_one_run_of_each_proves_nothing() -> None:
    found = newcombe_interval(Proportion(0, 1), Proportion(1, 1))
    assert found is not None
    assert not found.excludes_zero


@pytest.mark.parametrize("whole", [1, 2, 7, 2000])
def test_no_interval_leaves_what_is_possible(whole: int) -> None:
    for part in (0, whole // 2, whole):
        found = wilson_interval(Proportion(part, whole))
        assert 0 <= found.low <= part / whole <= found.high <= 1
        other = newcombe_interval(Proportion(part, whole), Proportion(whole - part, whole))
        assert other is not None
        assert -1 <= other.low <= other.high <= 1
