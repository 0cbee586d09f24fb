"""What is asked of the run list: one frozen value, strictly parsed, for every page, endpoint and command."""

from runs.db.keyset_pagination import Cursor, Order
from runs.query.query_text import Query
from runs.query.relative_times import TimeExpression
from runs.query.run_filters import RunFilters

__all__ = ["Cursor", "Order", "Query", "RunFilters", "TimeExpression"]
