"""JSON values for reading: without the data of images and files, and JSON in strings laid out."""

from __future__ import annotations

from typing import Any

from dashboard.ui.truncated_text import TruncatedText, truncate_json, truncate_text, truncate_text_or_json
from runs.errors import UnreadableBody
from runs.protocol.inline_data import replace_inline_data
from runs.protocol.lossless_json import JsonNumber, parse_json

MAX_PARSED_LENGTH = 4_000_000  # characters of JSON in a string


def truncate_readable(value: Any) -> TruncatedText:
    """Wrap a value for display. Placeholders stand for the data of images and files, in JSON in a string as well.

    Members of an object that are JSON in a string are laid out too, as the metadata in calls of Azure's tools.
    """
    try:
        if isinstance(value, dict):
            return truncate_json({name: _read_member(member) for name, member in value.items()})
        if not isinstance(value, str) or isinstance(value, JsonNumber):
            return truncate_json(replace_inline_data(value))
        parsed = _parse_embedded_json(value)
        return truncate_text_or_json(replace_inline_data(value)) if parsed is None else truncate_json(parsed)
    except RecursionError:
        return truncate_text(str(value))


def _read_member(value: Any) -> Any:
    parsed = _parse_embedded_json(value) if isinstance(value, str) and not isinstance(value, JsonNumber) else None
    return replace_inline_data(value) if parsed is None else parsed


def _parse_embedded_json(text: str) -> Any:
    """Return the object or array that a text is, without data; None if it is none."""
    if text.lstrip()[:1] not in ("{", "[") or len(text) > MAX_PARSED_LENGTH:
        return None
    try:
        return replace_inline_data(parse_json(text))
    except UnreadableBody:
        return None
