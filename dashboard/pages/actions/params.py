"""The parameters of the actions page."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.web.query_params import QueryParams, parse_choice, query_param, run_filters
from runs.analytics.actions import ActionCursor, ActionReason
from runs.query import RunFilters


def _parse_cursor(text: str) -> ActionCursor:
    try:
        return ActionCursor.from_text(text)
    except (ValueError, OverflowError) as error:
        raise ValueError("not a cursor") from error


@dataclass(frozen=True, slots=True)
class ActionListParams(QueryParams):
    """Selection of the listed runs.

    Attributes:
        filters: The filters of the list.
        reason: The tab that is open; None for all runs that need action.
        cursor: The start of the page; None for the first page.
    """

    filters: RunFilters = run_filters()
    reason: ActionReason | None = query_param(parse_choice(ActionReason), default=None, name="show")
    cursor: ActionCursor | None = query_param(_parse_cursor, default=None)

    @property
    def reasons(self) -> tuple[ActionReason, ...]:
        """The reasons for which runs are listed."""
        return tuple(ActionReason) if self.reason is None else (self.reason,)
