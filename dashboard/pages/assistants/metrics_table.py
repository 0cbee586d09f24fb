"""The table of a change: each measure before and after, by how much it differs, and how it went over time. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from dashboard.pages.assistants.links import LONGEST_FIRST, MOST_TOKENS_FIRST, AssistantRunLinks
from dashboard.pages.assistants.summary import format_points
from dashboard.ui import formats
from dashboard.ui.charts import Sparkline, build_sparkline
from dashboard.ui.formats import MINUS_SIGN, NO_VALUE
from runs.analytics.confidence_intervals import newcombe_interval
from runs.analytics.version_comparison import PARTS_PER_SIDE, VersionComparison, VersionMetrics, VersionSide
from runs.db.keyset_pagination import NEWEST_FIRST, Order


@dataclass(frozen=True, slots=True)
class VersionMetricCell:
    """A value, where its runs are listed, and of how many runs it is known, where not of all."""

    words: str
    url: str
    known: str = ""


@dataclass(frozen=True, slots=True)
class VersionMetricRow:
    """A measure. `bad`: it is a failure, and surely more than before."""

    label: str
    before: VersionMetricCell
    after: VersionMetricCell
    change: str
    bad: bool
    spark: Sparkline


@dataclass(frozen=True, slots=True)
class VersionMetric:
    """How a measure is read, worded, compared and listed; `known` is of how many runs it is."""

    label: str
    value: Callable[[VersionMetrics], float | None]
    words: Callable[[float], str]
    change: Callable[[float, float], str]
    known: Callable[[VersionMetrics], int]
    query: str = ""
    order: Order = NEWEST_FIRST


def build_version_metrics(drift: VersionComparison, links: AssistantRunLinks) -> list[VersionMetricRow]:
    """All measures of a change."""
    return list(_rows(drift, links))


def _rows(drift: VersionComparison, links: AssistantRunLinks) -> Iterator[VersionMetricRow]:
    for measure in VERSION_METRICS:
        sides = drift.before.metrics, drift.after.metrics
        old, new = (measure.value(figures) for figures in sides)
        bad = measure.label in _FAILURE_SHARES and _surely_more(measure.label, drift)
        yield VersionMetricRow(
            measure.label,
            _cell(measure, drift.before, links),
            _cell(measure, drift.after, links),
            "" if old is None or new is None else measure.change(old, new),
            bad,
            _spark(measure, drift, range(PARTS_PER_SIDE, 2 * PARTS_PER_SIDE) if bad else ()),
        )


def _cell(measure: VersionMetric, side: VersionSide, links: AssistantRunLinks) -> VersionMetricCell:
    value, known = measure.value(side.metrics), measure.known(side.metrics)
    words = NO_VALUE if value is None else measure.words(value)
    partly = f"of {known:,}" if 0 < known < side.metrics.runs else ""
    url = "" if value is None else links.of_side(side, measure.query, measure.order)
    return VersionMetricCell(words, url, partly)


def _spark(measure: VersionMetric, drift: VersionComparison, hot: Collection[int]) -> Sparkline:
    """The parts before the change, then those after it."""
    found = [(drift.before, place) for place in range(-PARTS_PER_SIDE, 0)] + [
        (drift.after, place) for place in range(PARTS_PER_SIDE)
    ]
    figures = (side.parts.get(place) for side, place in found)
    values = [0.0 if each is None else measure.value(each) or 0.0 for each in figures]
    return build_sparkline(values, hot=hot, mark=PARTS_PER_SIDE)


def _surely_more(label: str, drift: VersionComparison) -> bool:
    shares = (getattr(side.metrics, _FAILURE_SHARES[label]) for side in (drift.before, drift.after))
    interval = newcombe_interval(*shares)
    return interval is not None and interval.low > 0


def _share(part: str) -> Callable[[VersionMetrics], float | None]:
    return lambda figures: getattr(figures, part) / figures.runs if figures.runs else None


def _field(name: str) -> Callable[[VersionMetrics], float | None]:
    return lambda figures: getattr(figures, name)


def _count(name: str) -> Callable[[VersionMetrics], int]:
    return lambda figures: getattr(figures, name)


def _percent(share: float) -> str:
    return formats.format_percent(share, 1)


def _points(old: float, new: float) -> str:
    return f"{format_points(new - old)} pts"


def _relative(old: float, new: float) -> str:
    """By how much more or less, in percent of what it was."""
    if not old:
        return "" if new == old else "from 0"
    change = round(100 * (new - old) / old)
    return f"{'+' if change > 0 else MINUS_SIGN if change < 0 else ''}{abs(change):,} %"


def _difference(old: float, new: float) -> str:
    change = round(new - old, 1)
    return f"{'+' if change > 0 else MINUS_SIGN if change < 0 else ''}{abs(change):.1f}"


def _duration(ms: float) -> str:
    return formats.format_duration(round(ms), precise=bool(ms % 1000))


def _tokens(count: float) -> str:
    return formats.format_integer(round(count))


def _dollars(nano: float) -> str:
    return formats.format_cost(round(nano))


# By label: the share that must not rise.
_FAILURE_SHARES = {"Failed": "failed_share", "Incomplete": "incomplete_share"}
_ALL = _count("runs")
# In the order of the table.
VERSION_METRICS = (
    VersionMetric("Runs", _field("runs"), _tokens, lambda *_: "", _ALL),
    VersionMetric("Failed", _share("failed"), _percent, _points, _ALL, "status:failed"),
    VersionMetric("Incomplete", _share("incomplete"), _percent, _points, _ALL, "status:incomplete"),
    VersionMetric(
        "Duration p50", _field("p50_ms"), _duration, _relative, _count("duration_runs"), "duration:*", LONGEST_FIRST
    ),
    VersionMetric(
        "Duration p95", _field("p95_ms"), _duration, _relative, _count("duration_runs"), "duration:*", LONGEST_FIRST
    ),
    VersionMetric(
        "Prompt tokens, median",
        _field("prompt_tokens"),
        _tokens,
        _relative,
        _count("prompt_token_runs"),
        "prompt_tokens:*",
        MOST_TOKENS_FIRST,
    ),
    VersionMetric(
        "Completion tokens, median",
        _field("completion_tokens"),
        _tokens,
        _relative,
        _count("completion_token_runs"),
        "completion_tokens:*",
        MOST_TOKENS_FIRST,
    ),
    VersionMetric(
        "Tool calls per run, mean",
        _field("tool_calls"),
        lambda value: f"{value:.1f}",
        _difference,
        _count("tool_call_runs"),
    ),
    VersionMetric("Cost per run, mean, est.", _field("cost"), _dollars, _relative, _count("cost_runs")),
)
