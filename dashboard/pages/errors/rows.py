"""What the list shows of each group: its words, its trend, where it happens."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.pages.errors.params import ErrorGroupParams, build_group_term
from dashboard.ui import formats
from dashboard.ui.charts import Sparkline, build_sparkline
from runs.analytics.errors import ErrorGroupDistribution, ErrorGroupStats, ErrorTimeRange, ErrorTrend
from runs.enrichment import error_grouping
from runs.enrichment.error_grouping import MessagePart
from runs.models import ErrorGroup
from runs.query import TimeExpression

MAX_SPARKLINE_BARS = 30  # of a sparkline
MAX_NAMES_SHOWN = 2  # assistants and models; of more, how many
_ARROWS = {ErrorTrend.UP: "\N{UPWARDS ARROW}", ErrorTrend.DOWN: "\N{DOWNWARDS ARROW}"}
MULTIPLICATION_SIGN = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, slots=True)
class ErrorGroupTrend:
    """A trend in words, `css` for its colour, and the counts behind it; `url` of the runs that it compares with."""

    words: str
    css: str
    counts: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class ErrorGroupRow:
    """A group in the list."""

    counted: ErrorGroupStats
    url: str
    runs_url: str
    share: str
    change: ErrorGroupTrend
    spark: Sparkline
    is_new: bool
    assistants: tuple[str, ...]
    models: tuple[str, ...]
    configurations: int

    @property
    def group(self) -> ErrorGroup:
        return self.counted.group

    @property
    def few_assistants(self) -> tuple[str, ...]:
        """All of them, where they are few enough to be named."""
        return self.assistants if len(self.assistants) <= MAX_NAMES_SHOWN else ()

    @property
    def few_models(self) -> tuple[str, ...]:
        """All of them, where they are few enough to be named."""
        return self.models if len(self.models) <= MAX_NAMES_SHOWN else ()

    @property
    def missing_message(self) -> str:
        """The text in place of a message."""
        return describe_missing_message(self.group)

    @property
    def words(self) -> list[MessagePart]:
        return get_message_parts(self.group)


def build_error_group_rows(
    asked: ErrorGroupParams,
    groups: Iterable[ErrorGroupStats],
    parts: Mapping[uuid.UUID | None, ErrorGroupDistribution],
    window: ErrorTimeRange,
    total: int,
    names: Mapping[str, str],
    now: datetime,
) -> list[ErrorGroupRow]:
    """A row for each of `groups`; `total` is what shares are of, `names` are those of assistants, by id."""
    return [_build_row(asked, each, parts[each.group.pk], window, total, names, now) for each in groups]


def _build_row(
    asked: ErrorGroupParams,
    counted: ErrorGroupStats,
    parts: ErrorGroupDistribution,
    window: ErrorTimeRange,
    total: int,
    names: Mapping[str, str],
    now: datetime,
) -> ErrorGroupRow:
    assistants = [names.get(each) or formats.shorten_id(each) for each in sort_by_count(parts.assistants)]
    models = sort_by_count(Counter({name: count for name, count in parts.models.items() if name is not None}))
    return ErrorGroupRow(
        counted=counted,
        url=asked.group_url(counted.group),
        runs_url=asked.runs(build_group_term(counted.group)),
        share=formats.format_percent(counted.sums.runs, total),
        change=describe_trend(asked, counted, window, now),
        spark=build_group_sparkline(counted, parts, window),
        is_new=counted.is_new(now),
        assistants=tuple(assistants),
        models=tuple(models),
        configurations=len(parts.configurations),
    )


def sort_by_count(counts: Counter[str]) -> list[str]:
    """The values, most frequent first."""
    return sorted(counts, key=lambda value: (-counts[value], value))


def get_message_parts(group: ErrorGroup) -> list[MessagePart]:
    """The template of a group, in pieces; nothing where there was no message."""
    return error_grouping.split_template(group.template)


def describe_missing_message(group: ErrorGroup) -> str:
    """What is said in place of a message."""
    if group.status == "failed" and group.code is None:
        return "No code and no message: last_error was null although the status is failed."
    return "No message was sent."


def describe_trend(
    asked: ErrorGroupParams, counted: ErrorGroupStats, window: ErrorTimeRange, now: datetime
) -> ErrorGroupTrend:
    """How the count compares with that of the time before."""
    runs, before = counted.sums.runs, counted.previous_runs
    counts = f"{runs:,} in this time, {before:,} in as much time before"
    match counted.trend:
        case ErrorTrend.NEW:
            age = formats.format_relative_time(counted.first_seen, now).removesuffix(" ago").removeprefix("in ")
            return ErrorGroupTrend(f"new, {age}", "bad", f"{runs:,}, the first of them in this time")
        case ErrorTrend.BACK:
            return ErrorGroupTrend("back", "bad", f"{counts}, but some earlier")
        case ErrorTrend.STEADY:
            return ErrorGroupTrend(
                "\N{RIGHTWARDS ARROW} steady", "", counts, _build_previous_period_url(asked, counted, window)
            )
        case ErrorTrend.UP | ErrorTrend.DOWN:
            words = f"{_ARROWS[counted.trend]} {_format_ratio(runs / before)}{MULTIPLICATION_SIGN}"
            css = "bad" if counted.trend is ErrorTrend.UP else "good"
            return ErrorGroupTrend(words, css, counts, _build_previous_period_url(asked, counted, window))
    return ErrorGroupTrend(formats.NO_VALUE, "", "Not compared: there are no runs from all of as much time before")


def _build_previous_period_url(asked: ErrorGroupParams, counted: ErrorGroupStats, window: ErrorTimeRange) -> str:
    """The runs of the group in the time before."""
    if not counted.previous_runs or window.previous_since is None:
        return ""
    since, until = (
        TimeExpression.parse(formats.format_iso_time(each)) for each in (window.previous_since, window.since)
    )
    return asked.runs(build_group_term(counted.group), since=since, until=until)


def _format_ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 0.1 else f"{ratio:.1f}" if ratio < 10 else f"{ratio:,.0f}"


def build_group_sparkline(counted: ErrorGroupStats, parts: ErrorGroupDistribution, window: ErrorTimeRange) -> Sparkline:
    """How a group went; what is new, or more than twice what it was before, is marked."""
    values = _merge_buckets([parts.over_time[place] for place in range(window.buckets.count)])
    hot: Sequence[int] = ()
    if counted.trend in (ErrorTrend.NEW, ErrorTrend.BACK):
        hot = range(len(values))
    elif counted.trend is ErrorTrend.UP:
        usual = counted.previous_runs / len(values)
        hot = [place for place, value in enumerate(values) if value > 2 * usual]
    return build_sparkline(values, hot=hot)


def _merge_buckets(values: list[int]) -> list[int]:
    """As many parts to a bar as it takes for bars to be few."""
    size = -(-len(values) // MAX_SPARKLINE_BARS)
    return [sum(values[place : place + size]) for place in range(0, len(values), size)]
