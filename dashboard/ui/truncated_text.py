"""Texts that a page shows truncated, with the full text behind a disclosure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashboard.ui import json_view
from runs.protocol.lossless_json import JsonNumber, clean_text

DEFAULT_MAX_LENGTH = 6_000


@dataclass(frozen=True, slots=True)
class TruncatedText:
    """A text and the beginning of it. `is_json` marks JSON that was formatted here."""

    full: str
    is_json: bool = False
    max_length: int = DEFAULT_MAX_LENGTH

    @property
    def is_truncated(self) -> bool:
        """Return whether the preview leaves part of the text out."""
        return len(self.full) > self.max_length

    @property
    def preview(self) -> str:
        """The first `max_length` characters, followed by an ellipsis if there are more."""
        return self.full[: self.max_length] + "…" if self.is_truncated else self.full

    @property
    def length(self) -> int:
        """The number of characters of the full text."""
        return len(self.full)


def truncate_text(string: str) -> TruncatedText:
    """Wrap a string for display."""
    return TruncatedText(clean_text(string))


def truncate_json(value: Any) -> TruncatedText:
    """Format a parsed JSON value over several lines and wrap it for display."""
    return TruncatedText(clean_text(json_view.pretty_json(value)), is_json=True)


def truncate_text_or_json(value: Any) -> TruncatedText:
    """Wrap a value that should be a string. Format it as JSON if it is not one, or if its text is JSON."""
    if not isinstance(value, str) or isinstance(value, JsonNumber):
        return truncate_json(value)
    formatted = json_view.prettify_json_text(value)
    return truncate_text(value) if formatted is None else TruncatedText(clean_text(formatted), is_json=True)
