"""What is asked of the run list: one frozen value, strictly parsed, for every page, endpoint and command."""

from runs.filters.moments import Moment
from runs.filters.order import Cursor, Order
from runs.filters.query import Query
from runs.filters.state import RunFilters

__all__ = ["Cursor", "Moment", "Order", "Query", "RunFilters"]
