"""What can be said of the failure rate before and after a change, and how surely. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.ui.formats import MINUS_SIGN, format_integer, format_percent
from runs.analytics.confidence_intervals import ConfidenceInterval, Proportion, newcombe_interval
from runs.analytics.version_comparison import VersionComparison, VersionSide

# Below so many runs of a side, anything but a landslide may be chance, and it is said.
MIN_CONCLUSIVE_RUNS = 30


@dataclass(frozen=True, slots=True)
class FailureCause:
    """The error code that more of the runs failed with than before; "" stands for failures without one."""

    code: str
    count: int
    failed: int
    before: int


@dataclass(frozen=True, slots=True)
class FailureRateSummary:
    """`headline` says what happened, `words` how sure that is."""

    headline: str
    words: str
    rose: bool = False
    cause: FailureCause | None = None


def summarize_failure_rate(drift: VersionComparison) -> FailureRateSummary:
    """On the failure rates of both sides."""
    before, after = drift.before.metrics.failed_share, drift.after.metrics.failed_share
    interval = newcombe_interval(before, after)
    if interval is None:
        empty = drift.after if before.whole else drift.before
        return FailureRateSummary("Nothing to compare with.", _without_runs(empty))
    rates = format_percent(before.part, before.whole), format_percent(after.part, after.whole)
    counts = f"With {format_integer(before.whole)} and {format_integer(after.whole)} runs"
    if not interval.excludes_zero:
        headline = "No failures before or after." if not before.part + after.part else (
            f"No certain change of the failure rate: {rates[0]} before, {rates[1]} after."
        )  # fmt: skip
        return FailureRateSummary(headline, f"{counts} {_uncertain(interval, before, after)}")
    rose = interval.low > 0
    direction = "rise" if rose else "fall"
    headline = f"Failure rate {'rose' if rose else 'fell'} from {rates[0]} to {rates[1]}."
    words = f"{counts} the difference is unlikely to be chance (95 % interval of the {direction}: {_said(interval)})."
    return FailureRateSummary(headline, words, rose, _cause(drift) if rose else None)


def format_points(share: float) -> str:
    """A difference of shares in percentage points, signed: `+1.7`."""
    value = round(100 * share, 1)
    return f"{'+' if value > 0 else MINUS_SIGN if value < 0 else ''}{abs(value):.1f}"


def _said(interval: ConfidenceInterval) -> str:
    return f"{format_points(interval.low)} to {format_points(interval.high)} points"


def _uncertain(interval: ConfidenceInterval, before: Proportion, after: Proportion) -> str:
    words = f"a difference like this may be chance (95 % interval: {_said(interval)})."
    if min(before.whole, after.whole) >= MIN_CONCLUSIVE_RUNS:
        return words
    return f"{words} That is few: come back when there are more."


def _without_runs(side: VersionSide) -> str:
    return f"{side.version.name} has no runs on its side of the change within the time that is compared."


def _cause(drift: VersionComparison) -> FailureCause | None:
    """The code whose share grew most, if that is half of the rise at least."""
    before, after = drift.before, drift.after
    grown = {
        code: count / after.metrics.runs - before.error_codes[code] / before.metrics.runs
        for code, count in after.error_codes.items()
    }
    code = max(grown, key=lambda each: (grown[each], each), default=None)
    rise = (after.metrics.failed_share.value or 0) - (before.metrics.failed_share.value or 0)
    if code is None or 2 * grown[code] < rise:
        return None
    return FailureCause(code, after.error_codes[code], after.metrics.failed, before.error_codes[code])
