"""JSON as it is displayed: numbers as posted, strings that a page can contain, and indentation."""

from __future__ import annotations

from typing import Any

from runs.errors import UnreadableBody
from runs.protocol.lossless_json import JsonNumber, clean_text, dump_json, parse_json

INDENT = "  "
MAX_DEPTH = 100  # deeper values are shown as posted


def pretty_json(value: Any, margin: str = "") -> str:
    """Return `value` as indented JSON.

    Args:
        value: A value of `parse_json`.
        margin: The indentation of the closing bracket.

    Raises:
        RecursionError: The value is nested more deeply than `MAX_DEPTH`.
    """
    inner = margin + INDENT
    if len(margin) > MAX_DEPTH * len(INDENT):
        raise RecursionError("nested too deeply to be indented")
    match value:
        case dict() if value:
            members = (f"{inner}{dump_json(name)}: {pretty_json(item, inner)}" for name, item in value.items())
            return "{\n" + ",\n".join(members) + f"\n{margin}}}"
        case list() if value:
            return "[\n" + ",\n".join(f"{inner}{pretty_json(item, inner)}" for item in value) + f"\n{margin}]"
        case _:
            return dump_json(value)


def prettify_json_text(text: str) -> str | None:
    """Return `text` indented if it is a JSON object or array, else None."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return pretty_json(parse_json(text))
    except (UnreadableBody, RecursionError):
        return None


def parse_json_for_display(raw: bytes | str) -> Any:
    """Parse JSON and clean its strings for a page. Return the text itself if it is nested too deeply."""
    try:
        return clean_json_strings(parse_json(raw))
    except (UnreadableBody, RecursionError):
        return raw if isinstance(raw, str) else raw.decode()


def clean_json_strings(value: Any, depth: int = 0) -> Any:
    """Return `value` with all strings and names cleaned for a page.

    Raises:
        RecursionError: The value is nested more deeply than `MAX_DEPTH`.
    """
    if depth > MAX_DEPTH:
        raise RecursionError("nested too deeply")
    match value:
        case JsonNumber():
            return value
        case str():
            return clean_text(value)
        case dict():
            return {clean_text(name): clean_json_strings(item, depth + 1) for name, item in value.items()}
        case list():
            return [clean_json_strings(item, depth + 1) for item in value]
        case _:
            return value
