"""The course of what is measured, as stacked bars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from dashboard.pages.usage.labels import name_of
from dashboard.pages.usage.links import Links, times
from dashboard.ui import formats
from dashboard.ui.charts import Series, Stacked, stacked
from dashboard.ui.charts.stacked import MOST_COLOURS
from runs.analytics.usage import Group, Sums, Usage

OF: dict[str, Callable[[Sums], int]] = {
    "tokens": lambda sums: sums.total_tokens,
    "cost": lambda sums: sums.cost,
    "runs": lambda sums: sums.runs,
}
LABELS = {"tokens": "Tokens", "cost": "Cost, est.", "runs": "Runs"}
NUMBERS: dict[str, Callable[[int], str]] = {
    "tokens": formats.tokens,
    "cost": formats.cost,
    "runs": formats.exact,
}


def picture(found: Usage, links: Links, names: Mapping[str, str]) -> Stacked:
    """The first groups and the others as one, the largest at the bottom. Statuses have colours of their own."""
    shown, rest = _divided(found)
    measured = OF[found.question.measure]
    series = [_series(found, group, measured, names) for group in shown]
    if rest:
        count = sum(max(group.others, 1) for group in rest)
        courses = [[measured(sums) for sums in group.course] for group in rest]
        series.append(Series(f"{count:,} others", [sum(values) for values in zip(*courses, strict=True)]))
    return stacked(
        LABELS[found.question.measure],
        found.edges,
        series,
        zone=found.question.zone,
        zoom=links.timeless,
        number=NUMBERS[found.question.measure],
        link=_link(found, shown, links),
    )


def _divided(found: Usage) -> tuple[Sequence[Group], Sequence[Group]]:
    """Those that are drawn one by one, and those that are together."""
    is_few = len(found.groups) <= MOST_COLOURS and len(found.named) == len(found.groups)
    if is_few or found.question.split.name == "status":
        return found.named, found.groups[len(found.named) :]
    return found.groups[: MOST_COLOURS - 1], found.groups[MOST_COLOURS - 1 :]


def _series(found: Usage, group: Group, measured: Callable[[Sums], int], names: Mapping[str, str]) -> Series:
    status = group.key or "" if found.question.split.name == "status" else ""
    return Series(name_of(found.question.split, group.key, names), [measured(each) for each in group.course], status)


def _link(found: Usage, shown: Sequence[Group], links: Links) -> Callable[[int | None, datetime, datetime], str]:
    """To the runs of a series in one bar; those of the others have no address of their own."""
    question = found.question
    everything = links.whenever(question.filters)
    bases = ["" if group.key == "" else links.whenever(question.narrowed(group.key)) for group in shown]

    def link(series: int | None, since: datetime, until: datetime) -> str:
        base = everything if series is None else bases[series] if series < len(bases) else ""
        return base and base + times(since, until)

    return link
