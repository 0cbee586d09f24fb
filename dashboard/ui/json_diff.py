"""The places at which two JSON values differ, for values of `lossless_json.parse_json`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dashboard.ui import json_pointer
from runs.protocol.lossless_json import is_equal_value

# What stands on the side that has nothing at a place.
MISSING = object()


def diff_json(left: Any, right: Any, at: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The JSON pointers at which two values differ, as deep as both are objects, with both sides."""
    if isinstance(left, dict) and isinstance(right, dict):
        for name in dict.fromkeys((*left, *right)):
            pair = left.get(name, MISSING), right.get(name, MISSING)
            yield from diff_json(*pair, json_pointer.extend_pointer(at, name))
    elif not is_equal_value(left, right):
        yield at, left, right
