"""What is asked of the run list: one frozen value, parsed strictly, used by every page, endpoint and command."""

from runs.filters.moments import Moment
from runs.filters.state import Cursor, RunFilters

__all__ = ["Cursor", "Moment", "RunFilters"]
