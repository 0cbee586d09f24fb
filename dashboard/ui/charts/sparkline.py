"""Sparklines: bar charts as small as a word, without an axis, for tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from dashboard.ui.charts.bars import BAR_WIDTH, build_bar_path

HEIGHT = 20
_MIN_BAR_HEIGHT = 1.0  # keeps small values visible


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A sparkline, drawn by `templates/ui/_spark.html`.

    Attributes:
        count: The number of bars.
        path: The bars in the normal color.
        highlighted_path: The bars in the color of failures.
        label: The label for screen readers; "" if text beside the sparkline says the same.
        height: The height in pixels.
        marker: The position of a vertical line between two bars; None for none.
    """

    count: int
    path: str
    highlighted_path: str
    label: str
    height: int = HEIGHT
    marker: float | None = None


def build_sparkline(
    values: Sequence[float], *, highlighted: Collection[int] = (), label: str = "", marker: int | None = None
) -> Sparkline:
    """Return a sparkline whose highest bar has the full height.

    Args:
        values: The values of the bars.
        highlighted: The indexes of bars in the color of failures.
        label: The label for screen readers.
        marker: The index of the bar that a vertical line precedes.
    """
    max_value = max(values, default=0) or 1
    bars = {
        index: build_bar_path(index, HEIGHT - height, height)
        for index, value in enumerate(values)
        if value > 0 and (height := max(HEIGHT * value / max_value, _MIN_BAR_HEIGHT))
    }
    return Sparkline(
        count=max(len(values), 1),
        path="".join(path for index, path in bars.items() if index not in highlighted),
        highlighted_path="".join(path for index, path in bars.items() if index in highlighted),
        label=label,
        marker=None if marker is None else marker - (1 - BAR_WIDTH) / 2,
    )
