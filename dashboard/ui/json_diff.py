"""The JSON pointers at which two values of `lossless_json.parse_json` differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dashboard.ui import json_pointer
from runs.protocol.lossless_json import is_equal_value

MISSING = object()  # stands for a member that one side does not have


def diff_json(left: Any, right: Any, pointer: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the pointers at which two values differ, with both values.

    Members of objects are compared one by one; arrays and other values as a whole.
    """
    if isinstance(left, dict) and isinstance(right, dict):
        for name in dict.fromkeys((*left, *right)):
            members = left.get(name, MISSING), right.get(name, MISSING)
            yield from diff_json(*members, json_pointer.extend_pointer(pointer, name))
    elif not is_equal_value(left, right):
        yield pointer, left, right
