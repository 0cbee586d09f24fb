"""Texts of any length: the beginning is shown, the whole is behind a disclosure that tells its length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashboard.ui import json_view
from runs.protocol.lossless_json import JsonNumber, clean_text

DEFAULT_MAX_LENGTH = 6_000


@dataclass(frozen=True, slots=True)
class TruncatedText:
    """A text; `is_json` when it was laid out by us."""

    full: str
    is_json: bool = False
    longest: int = DEFAULT_MAX_LENGTH

    @property
    def is_cut(self) -> bool:
        return len(self.full) > self.longest

    @property
    def shown(self) -> str:
        return self.full[: self.longest] + "…" if self.is_cut else self.full

    @property
    def length(self) -> int:
        return len(self.full)


def truncate_text(string: str) -> TruncatedText:
    """`string` as it is."""
    return TruncatedText(clean_text(string))


def truncate_json(value: Any) -> TruncatedText:
    """A JSON value (see `json_values.parse`), laid out."""
    return TruncatedText(clean_text(json_view.pretty_json(value)), is_json=True)


def truncate_text_or_json(value: Any) -> TruncatedText:
    """A value that ought to be a string: laid out where the string is JSON, as JSON where it is no string."""
    if not isinstance(value, str) or isinstance(value, JsonNumber):
        return truncate_json(value)
    laid_out = json_view.prettify_json_text(value)
    return truncate_text(value) if laid_out is None else TruncatedText(clean_text(laid_out), is_json=True)
