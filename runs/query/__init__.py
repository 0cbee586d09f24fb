"""The filters and the query language of the run list: parsing, SQL, planning, autocomplete and help."""

from runs.query.grammar import Query
from runs.query.relative_times import TimeExpression
from runs.query.run_filters import RunFilters

__all__ = ["Query", "RunFilters", "TimeExpression"]
