"""The query parameters of the list of threads and of a thread."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.pages.threads.conversation import ConversationCursor
from dashboard.web.query_params import QueryParams, query_param, run_filters
from runs.db.keyset_pagination import Cursor
from runs.query import RunFilters
from runs.query.order import parse_cursor


@dataclass(frozen=True, slots=True)
class ThreadListParams(QueryParams):
    """The parameters of the list of threads: filters of their runs, and the cursor of a page."""

    filters: RunFilters = run_filters()
    after: Cursor | None = query_param(parse_cursor, default=None, name="cursor")


def _parse_show(text: str) -> bool:
    if text != "runs":
        raise ValueError(f"expected runs, got '{text}'")
    return True


@dataclass(frozen=True, slots=True)
class ThreadDetailParams(QueryParams):
    """The parameters of a thread: whether messages are left out, and the cursor of a page."""

    runs_only: bool = query_param(_parse_show, default=False, name="show", to_text=lambda _: "runs")
    after: ConversationCursor | None = query_param(ConversationCursor.parse, default=None, name="cursor")
