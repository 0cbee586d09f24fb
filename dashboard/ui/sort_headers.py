"""The column heads of the run list that sort it, and how an order is worded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from runs.db.keyset_pagination import Order

_WORDS = {
    "created": ("oldest first", "newest first"),
    "duration": ("shortest first", "longest first"),
    "cost": ("cheapest first", "most expensive first"),
    "tokens": ("fewest tokens first", "most tokens first"),
}


RUN_ORDERS = tuple(Order(by, descending=descending) for by in _WORDS for descending in (True, False))


@dataclass(frozen=True, slots=True)
class SortHeader:
    """A column head: where it leads to; `direction` and `arrow` are empty where the list isn't sorted by it."""

    url: str
    direction: str = ""
    arrow: str = ""


def build_sort_headers(order: Order, address_in: Callable[[Order], str]) -> dict[str, SortHeader]:
    """The heads by what they sort by: first from the top, and the other way round at the second click."""
    return {by: _head(by, order, address_in) for by in _WORDS}


def _head(by: str, order: Order, address_in: Callable[[Order], str]) -> SortHeader:
    if by != order.by:
        return SortHeader(address_in(Order(by)))
    direction, arrow = ("descending", "↓") if order.descending else ("ascending", "↑")
    return SortHeader(address_in(Order(by, descending=not order.descending)), direction, arrow)


def describe_order(order: Order) -> str:
    """`newest first`."""
    return _WORDS[order.by][order.descending]
