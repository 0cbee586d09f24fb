"""JSON Pointers (RFC 6901), which identify a value within a JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runs.protocol.lossless_json import clean_text, dump_json, parse_json


def extend_pointer(pointer: str, name: str | int) -> str:
    """Return the pointer to a member or an element of the value at `pointer`. Names are cleaned for URLs."""
    token = str(name) if isinstance(name, int) else clean_text(name).replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{token}"


def resolve_pointer(members: Mapping[str, bytes], pointer: str) -> str | None:
    """Return the value at `pointer` as JSON, with numbers as posted; None if there is no such value.

    Args:
        members: The members of an object, each as JSON.
        pointer: A JSON Pointer into this object.
    """
    if not pointer.startswith("/"):
        return None
    first, *rest = (token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/"))
    raw = next((raw for name, raw in members.items() if clean_text(name) == first), None)
    if raw is None or not rest:
        return None if raw is None else raw.decode()
    value = parse_json(raw)
    for token in rest:
        child = _find_child(value, token)
        if child is None:
            return None
        value = child[0]
    return dump_json(value)


def _find_child(value: Any, token: str) -> tuple[Any] | None:
    """Return the member or element in a tuple, which tells a null from a missing value."""
    match value:
        case dict():
            name = next((name for name in value if clean_text(name) == token), None)
            return None if name is None else (value[name],)
        case list() if token.isdecimal() and len(token) < 10 and int(token) < len(value):
            return (value[int(token)],)
        case _:
            return None
