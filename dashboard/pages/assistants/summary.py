"""A sentence on how the failure rate changed, and how certain that is."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.ui.formats import MINUS_SIGN, format_integer, format_percent
from runs.analytics.confidence_intervals import ConfidenceInterval, newcombe_interval
from runs.analytics.version_comparison import VersionComparison

# With fewer runs on a side, only a very large difference is significant, and the summary says so.
MIN_CONCLUSIVE_RUNS = 30


@dataclass(frozen=True, slots=True)
class FailureCause:
    """The error code that explains most of a rise; "" stands for failures without a code.

    `count` of the `failed` runs after the change have it, and `before` of those before it.
    """

    code: str
    count: int
    failed: int
    before: int


@dataclass(frozen=True, slots=True)
class FailureRateSummary:
    """The change of the failure rate (`headline`), and its certainty (`details`)."""

    headline: str
    details: str
    is_rise: bool = False
    cause: FailureCause | None = None


def summarize_failure_rate(result: VersionComparison) -> FailureRateSummary:
    """Return the summary for the failure rates of both sides."""
    before, after = result.before.metrics.failed_share, result.after.metrics.failed_share
    interval = newcombe_interval(before, after)
    if interval is None:
        empty = result.after if before.whole else result.before
        return FailureRateSummary(
            "Nothing to compare with.",
            f"{empty.version.name} has no runs on its side of the change within the compared period.",
        )
    rate_before, rate_after = format_percent(before.part, before.whole), format_percent(after.part, after.whole)
    counts = f"With {format_integer(before.whole)} and {format_integer(after.whole)} runs"
    limits = _format_limits(interval)

    if not interval.excludes_zero:
        headline = f"No significant change in the failure rate: {rate_before} before, {rate_after} after."
        if not before.part + after.part:
            headline = "No failures before or after."
        details = f"{counts}, a difference like this may be chance (95 % interval: {limits})."
        if min(before.whole, after.whole) < MIN_CONCLUSIVE_RUNS:
            details += " This is a small sample: check again when there are more runs."
        return FailureRateSummary(headline, details)

    is_rise = interval.low > 0
    verb, noun = ("rose", "rise") if is_rise else ("fell", "fall")
    return FailureRateSummary(
        f"The failure rate {verb} from {rate_before} to {rate_after}.",
        f"{counts}, the difference is unlikely to be chance (95 % interval of the {noun}: {limits}).",
        is_rise,
        _find_cause(result) if is_rise else None,
    )


def format_points(share: float) -> str:
    """Format a difference of shares in percentage points, with a sign: `+1.7`."""
    points = round(100 * share, 1)
    return f"{'+' if points > 0 else MINUS_SIGN if points < 0 else ''}{abs(points):.1f}"


def _format_limits(interval: ConfidenceInterval) -> str:
    return f"{format_points(interval.low)} to {format_points(interval.high)} points"


def _find_cause(result: VersionComparison) -> FailureCause | None:
    """Return the error code whose share of runs grew most, if it explains at least half of the rise."""
    before, after = result.before, result.after
    growth = {
        code: count / after.metrics.runs - before.error_codes[code] / before.metrics.runs
        for code, count in after.error_codes.items()
    }
    code = max(growth, key=lambda code: (growth[code], code), default=None)
    rise = (after.metrics.failed_share.value or 0) - (before.metrics.failed_share.value or 0)
    if code is None or 2 * growth[code] < rise:
        return None
    return FailureCause(code, after.error_codes[code], after.metrics.failed, before.error_codes[code])
