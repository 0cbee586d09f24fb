"""A row of bars as small as a word, for tables: how something went, without an axis."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from dashboard.ui.charts.bars import BAR_WIDTH, build_bar_path

HEIGHT = 20
_LEAST = 1.0  # what is little is not nothing


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Drawn by templates/ui/_spark.html. `label` is for those who don't see it, "" beside words.

    `mark` is where a line stands between two bars, None for none.
    """

    count: int
    path: str
    hot: str
    label: str
    height: int = HEIGHT
    mark: float | None = None


def build_sparkline(
    values: Sequence[float], *, hot: Collection[int] = (), label: str = "", mark: int | None = None
) -> Sparkline:
    """Bars for `values`, the highest as high as the line. Those at the places `hot` are in the colour of failure.

    A line is drawn before the bar at the place `mark`.
    """
    peak = max(values, default=0) or 1
    bars = {
        place: build_bar_path(place, HEIGHT - height, height)
        for place, value in enumerate(values)
        if value > 0 and (height := max(HEIGHT * value / peak, _LEAST))
    }
    plain, marked = (
        "".join(path for place, path in bars.items() if (place in hot) is is_hot) for is_hot in (False, True)
    )
    return Sparkline(
        max(len(values), 1), plain, marked, label, mark=None if mark is None else mark - (1 - BAR_WIDTH) / 2
    )
