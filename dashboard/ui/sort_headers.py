"""Column headers that sort the run list, and the labels of sort orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from runs.db.keyset_pagination import Order

# Labels of ascending and descending order by sort key.
_ORDER_LABELS = {
    "created": ("oldest first", "newest first"),
    "duration": ("shortest first", "longest first"),
    "cost": ("cheapest first", "most expensive first"),
    "tokens": ("fewest tokens first", "most tokens first"),
}
RUN_ORDERS = tuple(Order(key, descending=descending) for key in _ORDER_LABELS for descending in (True, False))


@dataclass(frozen=True, slots=True)
class SortHeader:
    """The link of a column header. `direction` and `arrow` are "" unless the list is sorted by this column."""

    url: str
    direction: str = ""
    arrow: str = ""


def build_sort_headers(order: Order, build_url: Callable[[Order], str]) -> dict[str, SortHeader]:
    """Return the headers by sort key.

    A header links to descending order, or to the opposite order if the list is already sorted by it.

    Args:
        order: The current order of the list.
        build_url: Returns the URL of the list in another order.
    """
    headers = {key: SortHeader(build_url(Order(key))) for key in _ORDER_LABELS if key != order.by}
    direction, arrow = ("descending", "↓") if order.descending else ("ascending", "↑")
    headers[order.by] = SortHeader(build_url(Order(order.by, descending=not order.descending)), direction, arrow)
    return headers


def describe_order(order: Order) -> str:
    """Return a label such as "newest first"."""
    return _ORDER_LABELS[order.by][order.descending]
