"""JSON as people read it: numbers as they were written, strings unescaped as far as they can be shown."""

from __future__ import annotations

from typing import Any

from runs.errors import UnreadableBody
from runs.protocol.lossless_json import JsonNumber, clean_text, dump_json, parse_json

INDENT = "  "
# What is nested more deeply is shown as it was written; no layout would help anybody to read it.
MAX_DEPTH = 100


def pretty_json(value: Any, margin: str = "") -> str:
    """`value` over several lines, indented by two spaces a level. Raises RecursionError below `MAX_DEPTH`."""
    inner = margin + INDENT
    if len(margin) > MAX_DEPTH * len(INDENT):
        raise RecursionError("nested too deeply to be laid out")
    match value:
        case dict() if value:
            members = (f"{inner}{dump_json(name)}: {pretty_json(item, inner)}" for name, item in value.items())
            return "{\n" + ",\n".join(members) + f"\n{margin}}}"
        case list() if value:
            return "[\n" + ",\n".join(f"{inner}{pretty_json(item, inner)}" for item in value) + f"\n{margin}]"
        case _:
            return dump_json(value)


def prettify_json_text(raw: str) -> str | None:
    """`raw` laid out where it is a JSON object or array, else None."""
    if not raw.lstrip().startswith(("{", "[")):
        return None
    try:
        return pretty_json(parse_json(raw))
    except (UnreadableBody, RecursionError):
        return None


def parse_json_for_display(raw: bytes | str) -> Any:
    """The value of JSON text, strings made fit for a page; the text itself where nested too deeply."""
    try:
        return clean_json_strings(parse_json(raw))
    except (UnreadableBody, RecursionError):
        return raw if isinstance(raw, str) else raw.decode()


def clean_json_strings(value: Any, depth: int = 0) -> Any:
    """`value` with every string made fit for a page. Raises RecursionError below `MAX_DEPTH`."""
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
