"""The table of the run list: a page of rows with its links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.safestring import SafeString

from dashboard.pages.runs.params import RunListParams
from dashboard.ui import sort_headers
from dashboard.ui.run_cells import render_cells
from dashboard.ui.run_columns import DEFAULT_COLUMNS, RunColumn
from dashboard.ui.run_rows import RunRow, build_run_rows, encode_list_param
from dashboard.ui.sort_headers import SortHeader
from runs.analytics.content_hits import fetch_content_hits
from runs.analytics.run_messages import fetch_run_messages
from runs.db.keyset_pagination import Cursor
from runs.models import Assistant, Run, RunReview, RunStep, RunTag

PAGE_SIZE = 50
USUAL_WIDTH = 96  # pixels that a column needs at least
MAX_PAGE_WIDTH = 8 * USUAL_WIDTH  # what is left beside status, time and id


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A row of the list, with the cells of the chosen columns."""

    row: RunRow
    cells: SafeString


@dataclass(frozen=True, slots=True)
class ColumnHeader:
    """The header of a chosen column. `value` is written by `ShownColumn`; `sort` is None without an order."""

    value: str
    column: RunColumn
    width: int
    sort: SortHeader | None

    @property
    def label(self) -> str:
        """The heading."""
        return self.column.heading or self.column.label


@dataclass(frozen=True, slots=True)
class RunTable:
    """A page of the run list.

    Attributes:
        rows: The rows.
        headers: The headers of the chosen columns.
        created_header: The sort link of the column that is always there.
        order_label: The order in words.
        page_size: The maximum number of rows.
        cursor: The start of the page; None for the first page.
        first_url: The URL of the first page.
        next_url: The URL of the next page; None on the last page.
    """

    rows: list[ListedRun]
    headers: list[ColumnHeader]
    created_header: SortHeader
    order_label: str
    page_size: int
    cursor: Cursor | None
    first_url: str
    next_url: str | None

    @property
    def is_default(self) -> bool:
        """Return whether the columns are those of a reader who has not chosen any. Narrow screens leave some out."""
        return [header.value for header in self.headers] == [str(shown) for shown in DEFAULT_COLUMNS]

    @property
    def is_wide(self) -> bool:
        """Return whether the columns may need more width than a page has, so that the table must scroll."""
        return sum(header.width or USUAL_WIDTH for header in self.headers) > MAX_PAGE_WIDTH


def fetch_run_table(params: RunListParams, keys: Sequence[UUID] | None = None) -> RunTable:
    """Fetch a page of the list with a constant number of queries.

    Args:
        params: The parameters of the list.
        keys: The primary keys of the first `PAGE_SIZE + 1` runs if they are already known.
    """
    runs = Run.objects.in_project(params.project).for_list()
    # One run more than a page holds tells whether there is a next page.
    if keys is None or params.cursor:
        matching = params.plan.fetch_page(runs, params.order, params.cursor, PAGE_SIZE + 1)
    else:
        matching = list(runs.with_ids(keys).sorted_by(params.order))
    page = matching[:PAGE_SIZE]
    next_cursor = params.order.cursor_at(page[-1]) if len(matching) > PAGE_SIZE else None
    orders = sort_headers.build_sort_headers(params.order, params.url_in_order)
    return RunTable(
        rows=fetch_run_rows(params, page),
        headers=[
            ColumnHeader(str(shown), shown.column, shown.width, orders.get(shown.column.sort_key))
            for shown in params.columns
        ],
        created_header=orders["created"],
        order_label=sort_headers.describe_order(params.order),
        page_size=PAGE_SIZE,
        cursor=params.cursor,
        first_url=params.url,
        next_url=params.address.url(params.filters, next_cursor) if next_cursor else None,
    )


def fetch_run_rows(params: RunListParams, runs: Sequence[Run]) -> list[ListedRun]:
    """Return the rows of `runs`. Tools, assistant names, tags and reviews are fetched only for visible columns."""
    keys = [run.pk for run in runs]
    names = {shown.name for shown in params.columns}
    assistant_ids = {run.assistant_id for run in runs} if "assistant" in names else set()
    rows = build_run_rows(
        runs,
        RunStep.objects.count_tools_by_run(keys) if keys and "tools" in names else {},
        params.address.path,
        params.now,
        assistant_names=Assistant.objects.names_by_id(params.project, assistant_ids),
        tags=RunTag.objects.names_by_run(keys) if keys and "tags" in names else {},
        reviews=RunReview.objects.by_run(keys) if keys and "reviewed" in names else {},
        list_param=encode_list_param(params.query_string),
        hits=fetch_content_hits(params.project, params.plan.tree, runs),
        messages=fetch_run_messages(runs) if keys and names & {"question", "answer"} else {},
    )
    return [ListedRun(row, render_cells(row, params.columns)) for row in rows]
