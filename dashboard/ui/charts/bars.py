"""Bars as SVG paths. A bar occupies one unit of width; heights are in pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BAR_WIDTH = 0.8  # the rest of the unit is the gap to the next bar


@dataclass(frozen=True, slots=True)
class BarTooltip:
    """The tooltip of the bar at `index`."""

    index: int
    text: str


def build_stacked_paths(layers: Sequence[Sequence[float]], max_total: float, height: float) -> list[str]:
    """Return a path for each layer of stacked bars, the first layer at the bottom.

    Args:
        layers: The values of each layer, one for each bar.
        max_total: The total that is drawn with the full height.
        height: The full height in pixels.
    """
    totals = [0.0] * max(map(len, layers), default=0)
    return ["".join(_build_layer(values, totals, max_total, height)) for values in layers]


def _build_layer(values: Sequence[float], totals: list[float], max_total: float, height: float) -> Iterator[str]:
    """Yield the bars of a layer on top of `totals`, and add the values to `totals`."""
    for index, value in enumerate(values):
        if value > 0:
            totals[index] += value
            yield build_bar_path(index, height * (1 - totals[index] / max_total), height * value / max_total)


def build_bar_path(index: int, top: float, height: float) -> str:
    """Return the path of the bar at `index`."""
    return f"M{index} {top:.1f}h{BAR_WIDTH}v{height:.1f}h-{BAR_WIDTH}z"
