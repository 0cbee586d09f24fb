"""Whether two JSON values mean the same, and where they don't. Pure.

Values are those of `json_values`: numbers as they were written.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from dashboard.ui import json_pointer
from dashboard.ui.json_view import Number

# What stands on the side that has nothing at a place.
MISSING = object()
LONGEST_NUMBER = 30  # characters


def diff_json(left: Any, right: Any, at: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The JSON pointers at which two values differ, as deep as both are objects, with both sides."""
    if isinstance(left, dict) and isinstance(right, dict):
        for name in dict.fromkeys((*left, *right)):
            pair = left.get(name, MISSING), right.get(name, MISSING)
            yield from diff_json(*pair, json_pointer.extend_pointer(at, name))
    elif not equal(left, right):
        yield at, left, right


def equal(left: Any, right: Any) -> bool:
    """Whether two JSON values mean the same: 1.0 is 1, but neither is "1" or true."""
    match left, right:
        case dict(), dict():
            return left.keys() == right.keys() and all(equal(left[name], right[name]) for name in left)
        case list(), list():
            return len(left) == len(right) and all(map(equal, left, right))
        case Number(), Number():
            return str(left) == str(right) or _same_number(left, right)
        case _:
            return type(left) is type(right) and left == right


def number(written: Number) -> Decimal | None:
    """The number, where it is short enough to be compared as one."""
    try:
        return Decimal(written) if len(written) <= LONGEST_NUMBER else None
    except InvalidOperation:  # an exponent beyond all bounds
        return None


def _same_number(left: Number, right: Number) -> bool:
    old, new = number(left), number(right)
    return old is not None and old == new
