"""How sure one can be of shares that were counted: intervals for a share, and for the difference of two. Pure.

Wilson's score interval and Newcombe's hybrid score interval for independent proportions (method 10 of Newcombe 1998,
Statistics in Medicine 17:873-890) keep close to what they promise for small counts and rare events too, where the
usual textbook formula claims far too much: of 0 failures in 5 runs it would be certain that there never is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

# The standard normal's quantile for 95 % between both ends.
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class ConfidenceInterval:
    """From `low` to `high`, as shares of 1."""

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Proportion:
    """`part` of `whole`."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """None of nothing."""
        return self.part / self.whole if self.whole else None


def wilson_interval(share: Proportion) -> ConfidenceInterval:
    """The 95 % interval of a share; anything from 0 to 1 where nothing was counted."""
    if not share.whole:
        return ConfidenceInterval(0.0, 1.0)
    p, n, square = share.part / share.whole, share.whole, _Z * _Z
    centre = p + square / (2 * n)
    spread = _Z * sqrt(p * (1 - p) / n + square / (4 * n * n))
    scale = 1 + square / n
    low = 0.0 if share.part == 0 else (centre - spread) / scale
    high = 1.0 if share.part == share.whole else (centre + spread) / scale
    return ConfidenceInterval(low, high)


def newcombe_interval(before: Proportion, after: Proportion) -> ConfidenceInterval | None:
    """The 95 % interval of the share `after` minus the one `before`; None where either counts nothing."""
    if not before.whole or not after.whole:
        return None
    p, q = before.part / before.whole, after.part / after.whole
    old, new = wilson_interval(before), wilson_interval(after)
    difference = q - p
    low = difference - sqrt((q - new.low) ** 2 + (old.high - p) ** 2)
    high = difference + sqrt((new.high - q) ** 2 + (p - old.low) ** 2)
    return ConfidenceInterval(low, high)
