"""Texts that a page shows truncated, with more of the text behind a disclosure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dashboard.ui import json_view
from dashboard.web.page_budget import fit_into_page
from runs.protocol.lossless_json import JsonNumber, clean_text

DEFAULT_MAX_LENGTH = 6_000
MAX_MESSAGE_PREVIEW, MAX_PREVIEW_LINES = 1_500, 8  # characters and lines of a message that is shown unfolded
MAX_SHOWN_LENGTH = 50_000  # characters of a text that a page contains at all; downloads have the whole


@dataclass(frozen=True)
class TruncatedText:
    """A text and the beginning of it. `is_json` marks JSON that was formatted here."""

    full: str
    is_json: bool = False
    max_length: int = DEFAULT_MAX_LENGTH

    @property
    def is_truncated(self) -> bool:
        """Return whether the preview leaves part of the text out."""
        return len(self.full) > self.max_length

    @cached_property
    def preview(self) -> str:
        """The first `max_length` characters, or fewer on a page that is full, followed by an ellipsis for more."""
        fitting = fit_into_page(self.full[: self.max_length])
        return fitting + "…" if len(fitting) < len(self.full) else fitting

    @cached_property
    def shown(self) -> str:
        """The beginning of the text, as long as the page may contain it."""
        return fit_into_page(self.full[:MAX_SHOWN_LENGTH])

    @property
    def hidden_length(self) -> int:
        """The number of characters that the page does not contain."""
        return len(self.full) - len(self.shown)

    @property
    def summary(self) -> str:
        """The label of the disclosure."""
        shown = f"the first {len(self.shown):,} of" if self.hidden_length else "all"
        return f"Show {shown} {self.length:,} characters"

    @property
    def length(self) -> int:
        """The number of characters of the full text."""
        return len(self.full)


def truncate_text(string: str) -> TruncatedText:
    """Wrap a string for display."""
    return TruncatedText(clean_text(string))


def truncate_lines(string: str) -> TruncatedText:
    """Wrap a message for display: its preview has at most `MAX_PREVIEW_LINES` lines."""
    text = clean_text(string)
    lines = text[:MAX_MESSAGE_PREVIEW].split("\n", MAX_PREVIEW_LINES)
    return TruncatedText(text, max_length=len("\n".join(lines[:MAX_PREVIEW_LINES])) if text else 0)


def truncate_json(value: Any) -> TruncatedText:
    """Format a parsed JSON value over several lines and wrap it for display."""
    return TruncatedText(clean_text(json_view.pretty_json(value)), is_json=True)


def truncate_text_or_json(value: Any) -> TruncatedText:
    """Wrap a value that should be a string. Format it as JSON if it is not one, or if its text is JSON."""
    if not isinstance(value, str) or isinstance(value, JsonNumber):
        return truncate_json(value)
    formatted = json_view.prettify_json_text(value)
    return truncate_text(value) if formatted is None else TruncatedText(clean_text(formatted), is_json=True)
