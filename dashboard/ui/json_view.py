"""JSON as it is displayed: numbers as posted, strings that a page can contain, and indentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from runs.errors import UnreadableBody
from runs.protocol.lossless_json import JsonNumber, clean_text, dump_json, parse_json

INDENT = "  "
MAX_DEPTH = 100  # deeper values are shown as posted
MAX_LENGTH = 200_000  # characters of indented JSON, more than a page shows of one value


def pretty_json(value: Any) -> str:
    """Return a value of `parse_json` as indented JSON, or the beginning of it if it is longer than `MAX_LENGTH`.

    Raises RecursionError if the value is nested more deeply than `MAX_DEPTH`.
    """
    pieces, length = [], 0
    for piece in _write_pretty(value, ""):
        pieces.append(piece)
        length += len(piece)
        if length > MAX_LENGTH:  # indentation makes deep values many times as long
            break
    return "".join(pieces)


def _write_pretty(value: Any, margin: str) -> Iterator[str]:
    """Yield the pieces of indented JSON. `margin` is the indentation of the closing bracket."""
    inner = margin + INDENT
    if len(margin) > MAX_DEPTH * len(INDENT):
        raise RecursionError("nested too deeply to be indented")
    match value:
        case dict() if value:
            for index, (name, item) in enumerate(value.items()):
                yield f"{',' if index else '{'}\n{inner}{dump_json(name)}: "
                yield from _write_pretty(item, inner)
            yield f"\n{margin}}}"
        case list() if value:
            for index, item in enumerate(value):
                yield f"{',' if index else '['}\n{inner}"
                yield from _write_pretty(item, inner)
            yield f"\n{margin}]"
        case _:
            yield dump_json(value)


def prettify_json_text(text: str) -> str | None:
    """Return `text` indented if it is a JSON object or array of moderate length, else None."""
    if len(text) > MAX_LENGTH or not text.lstrip().startswith(("{", "[")):
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
