"""What can be said of the failure rate before and after a change, and how surely. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.ui.formats import MINUS, exact, percent
from runs.analytics.confidence_intervals import Interval, Share, newcombe
from runs.analytics.version_comparison import Drift, Side

# Below so many runs of a side, anything but a landslide may be chance, and it is said.
FEW = 30


@dataclass(frozen=True, slots=True)
class Cause:
    """The error code that more of the runs failed with than before; "" stands for failures without one."""

    code: str
    count: int
    failed: int
    before: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """`headline` says what happened, `words` how sure that is."""

    headline: str
    words: str
    rose: bool = False
    cause: Cause | None = None


def verdict(drift: Drift) -> Verdict:
    """On the failure rates of both sides."""
    before, after = drift.before.figures.failures, drift.after.figures.failures
    interval = newcombe(before, after)
    if interval is None:
        empty = drift.after if before.whole else drift.before
        return Verdict("Nothing to compare with.", _without_runs(empty))
    rates = percent(before.part, before.whole), percent(after.part, after.whole)
    counts = f"With {exact(before.whole)} and {exact(after.whole)} runs"
    if not interval.excludes_zero:
        headline = "No failures before or after." if not before.part + after.part else (
            f"No certain change of the failure rate: {rates[0]} before, {rates[1]} after."
        )  # fmt: skip
        return Verdict(headline, f"{counts} {_uncertain(interval, before, after)}")
    rose = interval.low > 0
    direction = "rise" if rose else "fall"
    headline = f"Failure rate {'rose' if rose else 'fell'} from {rates[0]} to {rates[1]}."
    words = f"{counts} the difference is unlikely to be chance (95 % interval of the {direction}: {_said(interval)})."
    return Verdict(headline, words, rose, _cause(drift) if rose else None)


def points(share: float) -> str:
    """A difference of shares in percentage points, signed: `+1.7`."""
    value = round(100 * share, 1)
    return f"{'+' if value > 0 else MINUS if value < 0 else ''}{abs(value):.1f}"


def _said(interval: Interval) -> str:
    return f"{points(interval.low)} to {points(interval.high)} points"


def _uncertain(interval: Interval, before: Share, after: Share) -> str:
    words = f"a difference like this may be chance (95 % interval: {_said(interval)})."
    if min(before.whole, after.whole) >= FEW:
        return words
    return f"{words} That is few: come back when there are more."


def _without_runs(side: Side) -> str:
    return f"{side.version.name} has no runs on its side of the change within the time that is compared."


def _cause(drift: Drift) -> Cause | None:
    """The code whose share grew most, if that is half of the rise at least."""
    before, after = drift.before, drift.after
    grown = {
        code: count / after.figures.runs - before.codes[code] / before.figures.runs
        for code, count in after.codes.items()
    }
    code = max(grown, key=lambda each: (grown[each], each), default=None)
    rise = (after.figures.failures.value or 0) - (before.figures.failures.value or 0)
    if code is None or 2 * grown[code] < rise:
        return None
    return Cause(code, after.codes[code], after.figures.failed, before.codes[code])
