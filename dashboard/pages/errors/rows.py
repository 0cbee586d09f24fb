"""What the list shows of each group: its words, its trend, where it happens."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.pages.errors.params import Asked, term
from dashboard.ui import formats
from dashboard.ui.charts import Sparkline, sparkline
from runs.analytics.errors import Counted, Parts, Trend, Window
from runs.enrichment import error_grouping
from runs.enrichment.error_grouping import Part
from runs.models import ErrorGroup
from runs.query import Moment

MOST_BARS = 30  # of a sparkline
NAMED = 2  # assistants and models; of more, how many
_ARROWS = {Trend.UP: "\N{UPWARDS ARROW}", Trend.DOWN: "\N{DOWNWARDS ARROW}"}
TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, slots=True)
class Change:
    """A trend in words, `css` for its colour, and the counts behind it; `url` of the runs that it compares with."""

    words: str
    css: str
    counts: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A group in the list."""

    counted: Counted
    url: str
    runs_url: str
    share: str
    change: Change
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
        return self.assistants if len(self.assistants) <= NAMED else ()

    @property
    def few_models(self) -> tuple[str, ...]:
        """All of them, where they are few enough to be named."""
        return self.models if len(self.models) <= NAMED else ()

    @property
    def words(self) -> list[Part]:
        return said(self.group)


def rows(
    asked: Asked,
    groups: Iterable[Counted],
    parts: Mapping[uuid.UUID | None, Parts],
    window: Window,
    total: int,
    names: Mapping[str, str],
    now: datetime,
) -> list[Row]:
    """A row for each of `groups`; `total` is what shares are of, `names` are those of assistants, by id."""
    return [_row(asked, each, parts[each.group.pk], window, total, names, now) for each in groups]


def _row(
    asked: Asked, counted: Counted, parts: Parts, window: Window, total: int, names: Mapping[str, str], now: datetime
) -> Row:
    assistants = [names.get(each) or formats.short_id(each) for each in ranked(parts.assistants)]
    models = ranked(Counter({name: count for name, count in parts.models.items() if name is not None}))
    return Row(
        counted=counted,
        url=asked.group_url(counted.group),
        runs_url=asked.runs(term(counted.group)),
        share=formats.percent(counted.sums.runs, total),
        change=change(asked, counted, window, now),
        spark=spark(counted, parts, window),
        is_new=counted.is_new(now),
        assistants=tuple(assistants),
        models=tuple(models),
        configurations=len(parts.configurations),
    )


def ranked(counts: Counter[str]) -> list[str]:
    """The values, most frequent first."""
    return sorted(counts, key=lambda value: (-counts[value], value))


def said(group: ErrorGroup) -> list[Part]:
    """The template of a group, in pieces; nothing where there was no message."""
    return error_grouping.places(group.template)


def silence(group: ErrorGroup) -> str:
    """What is said in place of a message."""
    if group.status == "failed" and group.code is None:
        return "No code and no message: last_error was null although the status is failed."
    return "No message was sent."


def change(asked: Asked, counted: Counted, window: Window, now: datetime) -> Change:
    """How the count compares with that of the time before."""
    runs, before = counted.sums.runs, counted.before
    counts = f"{runs:,} in this time, {before:,} in as much time before"
    match counted.trend:
        case Trend.NEW:
            age = formats.relative(counted.first_seen, now).removesuffix(" ago").removeprefix("in ")
            return Change(f"new, {age}", "bad", f"{runs:,}, the first of them in this time")
        case Trend.BACK:
            return Change("back", "bad", f"{counts}, but some earlier")
        case Trend.STEADY:
            return Change("\N{RIGHTWARDS ARROW} steady", "", counts, _before(asked, counted, window))
        case Trend.UP | Trend.DOWN:
            words = f"{_ARROWS[counted.trend]} {_ratio(runs / before)}{TIMES}"
            css = "bad" if counted.trend is Trend.UP else "good"
            return Change(words, css, counts, _before(asked, counted, window))
    return Change(formats.NONE, "", "Not compared: there are no runs from all of as much time before")


def _before(asked: Asked, counted: Counted, window: Window) -> str:
    """The runs of the group in the time before."""
    if not counted.before or window.compared is None:
        return ""
    since, until = (Moment.parse(formats.machine_time(each)) for each in (window.compared, window.first))
    return asked.runs(term(counted.group), since=since, until=until)


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 0.1 else f"{ratio:.1f}" if ratio < 10 else f"{ratio:,.0f}"


def spark(counted: Counted, parts: Parts, window: Window) -> Sparkline:
    """How a group went; what is new, or more than twice what it was before, is marked."""
    values = _merged([parts.over_time[place] for place in range(window.parts.count)])
    hot: Sequence[int] = ()
    if counted.trend in (Trend.NEW, Trend.BACK):
        hot = range(len(values))
    elif counted.trend is Trend.UP:
        usual = counted.before / len(values)
        hot = [place for place, value in enumerate(values) if value > 2 * usual]
    return sparkline(values, hot=hot)


def _merged(values: list[int]) -> list[int]:
    """As many parts to a bar as it takes for bars to be few."""
    size = -(-len(values) // MOST_BARS)
    return [sum(values[place : place + size]) for place in range(0, len(values), size)]
