"""Bars as SVG paths, in which a unit of width is the place of one bar, and a unit of height is a pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BAR_WIDTH = 0.8  # of the width that a bar has to itself


@dataclass(frozen=True, slots=True)
class BarTooltip:
    """What the pointer meets over a bar, with its numbers."""

    index: int
    text: str


def build_stacked_paths(layers: Sequence[Sequence[float]], peak: float, height: float) -> list[str]:
    """A path for each of `layers`, every one on top of those before; `peak` reaches `height`."""
    below = [0.0] * max(map(len, layers), default=0)
    return ["".join(_layer(values, below, peak, height)) for values in layers]


def _layer(values: Sequence[float], below: list[float], peak: float, height: float) -> Iterator[str]:
    """The bars of one layer on top of what is there already, which they add themselves to."""
    for place, value in enumerate(values):
        if value > 0:
            below[place] += value
            yield build_bar_path(place, height * (1 - below[place] / peak), height * value / peak)


def build_bar_path(place: int, top: float, height: float) -> str:
    """One bar."""
    return f"M{place} {top:.1f}h{BAR_WIDTH}v{height:.1f}h-{BAR_WIDTH}z"
