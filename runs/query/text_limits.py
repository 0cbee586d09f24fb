"""Limits of the texts in parameters."""

from __future__ import annotations

from runs.protocol.lossless_json import clean_text


def find_text_problem(text: str, max_length: int) -> str | None:
    """Return why `text` can't be the value of a parameter, or None. Postgres stores neither NUL nor lone surrogates."""
    if len(text) > max_length:
        return f"expected at most {max_length:,} characters, found {len(text):,}"
    if clean_text(text) != text:
        return "must not contain NUL or lone surrogates"
    return None
