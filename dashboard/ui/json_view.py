"""JSON as people read it: numbers as they were written, strings unescaped as far as they can be shown."""

from __future__ import annotations

import json
from typing import Any

from runs.protocol import lossless_json

INDENT = "  "
# What is nested more deeply is shown as it was written; no layout would help anybody to read it.
MAX_DEPTH = 100


class Number(str):
    """A number as it was spelled."""

    __slots__ = ()


def parse(raw: bytes | str) -> Any:
    """`raw` as Python values, numbers as `Number`. Raises ValueError, or RecursionError if nested deeply."""
    return _decoder.decode(raw if isinstance(raw, str) else raw.decode())


def dump(value: Any) -> str:
    """`value` in one line."""
    match value:
        case dict():
            return "{" + ", ".join(f"{quote_json_string(name)}: {dump(item)}" for name, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(dump, value)) + "]"
        case _:
            return format_json_scalar(value)


def pretty_json(value: Any, margin: str = "") -> str:
    """`value` over several lines, indented by two spaces a level. Raises RecursionError below `DEEPEST`."""
    inner = margin + INDENT
    if len(margin) > MAX_DEPTH * len(INDENT):
        raise RecursionError("nested too deeply to be laid out")
    match value:
        case dict() if value:
            members = (f"{inner}{quote_json_string(name)}: {pretty_json(item, inner)}" for name, item in value.items())
            return "{\n" + ",\n".join(members) + f"\n{margin}}}"
        case list() if value:
            return "[\n" + ",\n".join(f"{inner}{pretty_json(item, inner)}" for item in value) + f"\n{margin}]"
        case _:
            return dump(value)


def prettify_json_text(raw: str) -> str | None:
    """`raw` laid out where it is a JSON object or array, else None."""
    if not raw.lstrip().startswith(("{", "[")):
        return None
    try:
        return pretty_json(parse(raw))
    except (ValueError, RecursionError):
        return None


def format_json_scalar(value: Any) -> str:
    """A string, number, boolean or null as JSON writes it."""
    match value:
        case Number():
            return str(value)
        case str():
            return quote_json_string(value)
        case _:
            return json.dumps(value)


def quote_json_string(string: str) -> str:
    """A JSON string; one with lone surrogates, which no page can carry, is escaped throughout."""
    return json.dumps(string, ensure_ascii=lossless_json.clean_text(string) != string)


def parse_json_for_display(raw: bytes | str) -> Any:
    """The value of JSON text, strings made fit for a page; the text itself where nested too deeply."""
    try:
        return clean_json_strings(parse(raw))
    except RecursionError:
        return raw if isinstance(raw, str) else raw.decode()


def clean_json_strings(value: Any, depth: int = 0) -> Any:
    """`value` with every string made fit for a page. Raises RecursionError below `DEEPEST`."""
    if depth > MAX_DEPTH:
        raise RecursionError("nested too deeply")
    match value:
        case Number():
            return value
        case str():
            return lossless_json.clean_text(value)
        case dict():
            return {lossless_json.clean_text(name): clean_json_strings(item, depth + 1) for name, item in value.items()}
        case list():
            return [clean_json_strings(item, depth + 1) for item in value]
        case _:
            return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


# Made once: a page takes hundreds of values apart.
_decoder = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_no_constant)
