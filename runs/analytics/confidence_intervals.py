"""Confidence intervals for a proportion, and for the difference of two.

Wilson's score interval and Newcombe's hybrid score interval for independent proportions (method 10 of Newcombe 1998,
Statistics in Medicine 17:873-890) keep close to their nominal coverage even for small counts and rare events. The usual
Wald interval does not: after 0 failures in 5 runs it excludes any failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

# The quantile of the standard normal distribution for 95 %.
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class ConfidenceInterval:
    """An interval from `low` to `high`, as shares of 1."""

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Return whether 0 lies outside of the interval."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Proportion:
    """The proportion `part` of `whole`."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """The proportion as a share of 1, None if `whole` is 0."""
        return self.part / self.whole if self.whole else None


def wilson_interval(proportion: Proportion) -> ConfidenceInterval:
    """Return the 95 % interval of a proportion; the interval from 0 to 1 if `whole` is 0."""
    if not proportion.whole:
        return ConfidenceInterval(0.0, 1.0)
    p, n, square = proportion.part / proportion.whole, proportion.whole, _Z * _Z
    center = p + square / (2 * n)
    spread = _Z * sqrt(p * (1 - p) / n + square / (4 * n * n))
    scale = 1 + square / n
    low = 0.0 if proportion.part == 0 else (center - spread) / scale
    high = 1.0 if proportion.part == proportion.whole else (center + spread) / scale
    return ConfidenceInterval(low, high)


def newcombe_interval(before: Proportion, after: Proportion) -> ConfidenceInterval | None:
    """Return the 95 % interval of the proportion `after` minus `before`; None if either counts nothing."""
    if not before.whole or not after.whole:
        return None
    p, q = before.part / before.whole, after.part / after.whole
    old, new = wilson_interval(before), wilson_interval(after)
    difference = q - p
    low = difference - sqrt((q - new.low) ** 2 + (old.high - p) ** 2)
    high = difference + sqrt((new.high - q) ** 2 + (p - old.low) ** 2)
    return ConfidenceInterval(low, high)
