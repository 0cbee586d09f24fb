"""JSON Pointers (RFC 6901): where a value stands in an object, and the value that stands there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runs.protocol.lossless_json import clean_text, dump_json, parse_json


def extend_pointer(pointer: str, name: str | int) -> str:
    """The pointer to a member or element of what `pointer` leads to; fit for an address."""
    step = str(name) if isinstance(name, int) else clean_text(name).replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{step}"


def resolve_pointer(members: Mapping[str, bytes], pointer: str) -> str | None:
    """The JSON text of what `pointer` leads to, numbers as they were written; None where there is nothing.

    `members` are those of an object, each as JSON text.
    """
    if not pointer.startswith("/"):
        return None
    first, *rest = (step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/"))
    raw = _member(members, first)
    if raw is None or not rest:
        return None if raw is None else raw.decode()
    value = parse_json(raw)
    for step in rest:
        found = _inner(value, step)
        if found is None:
            return None
        value = found[0]
    return dump_json(value)


def _inner(value: Any, step: str) -> tuple[Any] | None:
    """What is found one step further, in a tuple, since null is something too."""
    match value:
        case dict():
            name = next((name for name in value if clean_text(name) == step), None)
            return None if name is None else (value[name],)
        case list() if step.isdecimal() and len(step) < 10 and int(step) < len(value):
            return (value[int(step)],)
        case _:
            return None


def _member(members: Mapping[str, bytes], step: str) -> bytes | None:
    return next((raw for name, raw in members.items() if clean_text(name) == step), None)
