"""Runs that ended badly over time: the largest groups each in its colour, all others together."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from dashboard.ui import formats
from dashboard.ui.charts import Series, Stacked, stacked
from runs.analytics.errors import Groups, Parts, Window
from runs.models import ErrorGroup

SHOWN = 4
HEIGHT = 72
_LONGEST = 32


def of_groups(found: Groups, parts: Mapping[uuid.UUID | None, Parts], zone: tzinfo, zoom: str) -> Stacked:
    """All groups, of which `parts` has to know the largest ones."""
    shown, window = found.groups[:SHOWN], found.window
    rest: Counter[int] = Counter()
    for key, each in parts.items():
        if key not in {counted.group.pk for counted in shown}:
            rest.update(each.over_time)
    labels = _labels([counted.group for counted in shown])
    series = [
        _series(label, parts[counted.group.pk].over_time, window) for label, counted in zip(labels, shown, strict=True)
    ]
    if rest:
        others = found.count - len(shown)
        series.append(_series(f"{others:,} other{'' if others == 1 else 's'}", rest, window))
    return stacked("Runs ended badly", _edges(window), series, zone=zone, zoom=zoom, height=HEIGHT)


def of_one(group: ErrorGroup, parts: Parts, window: Window, zone: tzinfo, zoom: str) -> Stacked:
    """One group, in the colour of how it ended."""
    known = group.status in formats.STATUS_LABELS
    series = Series(
        label(group), [parts.over_time[place] for place in range(window.parts.count)], group.status if known else ""
    )
    return stacked("Runs", _edges(window), [series], zone=zone, zoom=zoom, height=HEIGHT)


def label(group: ErrorGroup) -> str:
    """A group in a word: its code, or what it has in place of one."""
    return _cut(group.code or f"{formats.status_label(group.status)}, no code")


def _labels(groups: Sequence[ErrorGroup]) -> list[str]:
    """Those of one code are told apart by how their messages begin."""
    codes = Counter(label(group) for group in groups)
    return [label(group) if codes[label(group)] == 1 else _longer(group) for group in groups]


def _longer(group: ErrorGroup) -> str:
    return f"{label(group)}: {_cut(group.template)}" if group.template else f"{label(group)}, no message"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST].rstrip() + "…"


def _series(name: str, counts: Counter[int], window: Window) -> Series:
    return Series(name, [counts[place] for place in range(window.parts.count)])


def _edges(window: Window) -> list[datetime]:
    return list(window.parts.edges)
