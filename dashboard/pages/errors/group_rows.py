"""The rows of the list of error groups: message, trend, and where the errors occur."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dashboard.pages.errors.links import build_error_group_term, build_error_group_url, build_filtered_runs_url
from dashboard.pages.errors.params import ErrorGroupParams
from dashboard.ui import formats
from dashboard.ui.charts import Sparkline, build_sparkline
from runs.analytics.errors import ErrorGroupDistribution, ErrorGroupStats, ErrorTimeRange, ErrorTrend
from runs.enrichment import error_grouping
from runs.enrichment.error_grouping import MessagePart
from runs.models import ErrorGroup, Project
from runs.query import TimeExpression

MAX_SPARKLINE_BARS = 30
MAX_NAMES_SHOWN = 2  # assistants and models; if there are more, only their number is shown
MULTIPLICATION_SIGN = "\N{MULTIPLICATION SIGN}"
_ARROWS = {ErrorTrend.UP: "\N{UPWARDS ARROW}", ErrorTrend.DOWN: "\N{DOWNWARDS ARROW}"}


@dataclass(frozen=True, slots=True)
class ErrorTrendLabel:
    """A trend in words.

    Attributes:
        text: the trend: `↑ 3.0x`.
        css_class: the class that sets its color.
        title: the counts of both periods.
        url: the runs of the previous period; "" if there are none.
    """

    text: str
    css_class: str
    title: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class ErrorGroupRow:
    """A group in the list."""

    stats: ErrorGroupStats
    url: str
    runs_url: str
    share: str
    trend: ErrorTrendLabel
    sparkline: Sparkline
    is_new: bool
    assistants: tuple[str, ...]
    models: tuple[str, ...]
    configuration_count: int

    @property
    def group(self) -> ErrorGroup:
        """The group."""
        return self.stats.group

    @property
    def listed_assistants(self) -> tuple[str, ...]:
        """The names of the assistants; none if there are too many to list."""
        return self.assistants if len(self.assistants) <= MAX_NAMES_SHOWN else ()

    @property
    def listed_models(self) -> tuple[str, ...]:
        """The names of the models; none if there are too many to list."""
        return self.models if len(self.models) <= MAX_NAMES_SHOWN else ()

    @property
    def message_parts(self) -> list[MessagePart]:
        """See `split_group_message`."""
        return split_group_message(self.group)

    @property
    def missing_message(self) -> str:
        """See `describe_missing_message`."""
        return describe_missing_message(self.group)


def build_error_group_rows(
    project: Project,
    params: ErrorGroupParams,
    groups: Sequence[ErrorGroupStats],
    distributions: Mapping[uuid.UUID | None, ErrorGroupDistribution],
    time_range: ErrorTimeRange,
    total_runs: int,
    assistant_names: Mapping[str, str],
    now: datetime,
) -> list[ErrorGroupRow]:
    """Return a row for each of `groups`.

    Args:
        project: the project.
        params: the parameters of the page, whose filters the links keep.
        groups: the groups.
        distributions: their distributions, by the ids of the groups.
        time_range: the time range of both.
        total_runs: the number of runs that shares refer to.
        assistant_names: display names of assistants, by id.
        now: the current time.
    """
    rows = []
    for stats in groups:
        distribution = distributions[stats.group.pk]
        assistants = [
            assistant_names.get(assistant_id) or formats.shorten_id(assistant_id)
            for assistant_id in sort_by_count(distribution.assistants)
        ]
        models = Counter({name: count for name, count in distribution.models.items() if name is not None})
        row = ErrorGroupRow(
            stats=stats,
            url=build_error_group_url(project, stats.group, params),
            runs_url=build_filtered_runs_url(project, params.effective_filters, build_error_group_term(stats.group)),
            share=formats.format_percent(stats.sums.runs, total_runs),
            trend=describe_trend(project, params, stats, time_range, now),
            sparkline=_build_group_sparkline(stats, distribution, time_range),
            is_new=stats.is_new(now),
            assistants=tuple(assistants),
            models=tuple(sort_by_count(models)),
            configuration_count=len(distribution.configurations),
        )
        rows.append(row)
    return rows


def sort_by_count(counts: Counter[str]) -> list[str]:
    """Return the values, the most frequent first."""
    return sorted(counts, key=lambda value: (-counts[value], value))


def split_group_message(group: ErrorGroup) -> list[MessagePart]:
    """Return the message template of a group, split at its placeholders; empty if there was no message."""
    return error_grouping.split_template(group.template)


def describe_missing_message(group: ErrorGroup) -> str:
    """Return the text that is shown for a group without a message."""
    if group.status == "failed" and group.code is None:
        return "No code and no message: last_error was null although the status is failed."
    return "No message was sent."


def describe_trend(
    project: Project, params: ErrorGroupParams, stats: ErrorGroupStats, time_range: ErrorTimeRange, now: datetime
) -> ErrorTrendLabel:
    """Return how the number of runs compares with that of the previous period."""
    runs, previous_runs = stats.sums.runs, stats.previous_runs
    title = f"{runs:,} in this period, {previous_runs:,} in the previous one"
    previous_url = ""
    if previous_runs and time_range.previous_since is not None:
        since, until = (
            TimeExpression(formats.format_iso_time(time)) for time in (time_range.previous_since, time_range.since)
        )
        filters = replace(params.effective_filters, since=since, until=until)
        previous_url = build_filtered_runs_url(project, filters, build_error_group_term(stats.group))
    match stats.trend:
        case ErrorTrend.NEW:
            age = formats.format_relative_time(stats.first_seen, now).removesuffix(" ago").removeprefix("in ")
            return ErrorTrendLabel(f"new, {age}", "bad", f"{runs:,}, the first of them in this period")
        case ErrorTrend.BACK:
            return ErrorTrendLabel("back", "bad", f"{title}, but some before that")
        case ErrorTrend.STEADY:
            return ErrorTrendLabel("\N{RIGHTWARDS ARROW} steady", "", title, previous_url)
        case ErrorTrend.FEW:
            return ErrorTrendLabel("too few", "", f"{title}: too few to compare", previous_url)
        case ErrorTrend.UP | ErrorTrend.DOWN:
            text = f"{_ARROWS[stats.trend]} {_format_ratio(runs / previous_runs)}{MULTIPLICATION_SIGN}"
            css_class = "bad" if stats.trend is ErrorTrend.UP else "good"
            return ErrorTrendLabel(text, css_class, title, previous_url)
    return ErrorTrendLabel(formats.NO_VALUE, "", "Not compared: the runs do not cover all of the previous period")


def _format_ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 0.1 else f"{ratio:.1f}" if ratio < 10 else f"{ratio:,.0f}"


def _build_group_sparkline(
    stats: ErrorGroupStats, distribution: ErrorGroupDistribution, time_range: ErrorTimeRange
) -> Sparkline:
    """Return the runs over time. Bars of a new group, or more than twice as high as before, are highlighted."""
    counts = [distribution.over_time[index] for index in range(time_range.buckets.count)]
    buckets_per_bar = -(-len(counts) // MAX_SPARKLINE_BARS)
    bars = [sum(counts[start : start + buckets_per_bar]) for start in range(0, len(counts), buckets_per_bar)]
    highlighted: Sequence[int] = ()
    if stats.trend in (ErrorTrend.NEW, ErrorTrend.BACK):
        highlighted = range(len(bars))
    elif stats.trend is ErrorTrend.UP:
        previous_average = stats.previous_runs / len(bars)
        highlighted = [index for index, count in enumerate(bars) if count > 2 * previous_average]
    return build_sparkline(bars, highlighted=highlighted)
