"""Texts of any length: the beginning is shown, the whole is behind a disclosure that tells its length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashboard.ui import json_view
from runs.protocol.lossless_json import clean

LONGEST = 6_000


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A text; `is_json` when it was laid out by us."""

    full: str
    is_json: bool = False
    longest: int = LONGEST

    @property
    def is_cut(self) -> bool:
        return len(self.full) > self.longest

    @property
    def shown(self) -> str:
        return self.full[: self.longest] + "…" if self.is_cut else self.full

    @property
    def length(self) -> int:
        return len(self.full)


def of_text(string: str) -> Excerpt:
    """`string` as it is."""
    return Excerpt(clean(string))


def of_value(value: Any) -> Excerpt:
    """A JSON value (see `json_values.parse`), laid out."""
    return Excerpt(clean(json_view.pretty(value)), is_json=True)


def of_posted(value: Any) -> Excerpt:
    """A value that ought to be a string: laid out where the string is JSON, as JSON where it is no string."""
    if not isinstance(value, str) or isinstance(value, json_view.Number):
        return of_value(value)
    laid_out = json_view.prettified(value)
    return of_text(value) if laid_out is None else Excerpt(clean(laid_out), is_json=True)
