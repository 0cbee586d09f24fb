"""Parsing of the parameters `sort` and `cursor` of lists of runs."""

from __future__ import annotations

from runs.db.keyset_pagination import NEWEST_FIRST, SORT_NAMES, Cursor, Order
from runs.errors import InvalidFilter, Problem
from runs.query.did_you_mean import find_closest_match

# Every value of `sort`.
RUN_SORTS = tuple(sign + name for name in SORT_NAMES for sign in ("-", ""))


def parse_order(text: str) -> Order:
    """Parse `duration`, or `-duration` for the longest first. Raises InvalidFilter."""
    try:
        return Order.from_text(text)
    except ValueError as error:
        name = text.removeprefix("-")
        match = find_closest_match(name, SORT_NAMES)
        hint = f"did you mean '{match}'?" if match else f"expected one of {', '.join(SORT_NAMES)}"
        message = f"can't sort by '{name}'; {hint}"
        raise InvalidFilter(f"sort: {message}", [Problem("sort", message)]) from error


def parse_cursor(text: str, order: Order = NEWEST_FIRST) -> Cursor:
    """Parse the cursor of a list in `order`. Raises InvalidFilter."""
    try:
        cursor = Cursor.from_text(text)
    except (ValueError, OverflowError) as error:
        raise _invalid_cursor("not a cursor") from error
    if cursor.order != order:
        raise _invalid_cursor(f"belongs to a list sorted by {cursor.order}")
    return cursor


def _invalid_cursor(message: str) -> InvalidFilter:
    return InvalidFilter(f"cursor: {message}", [Problem("cursor", message)])
