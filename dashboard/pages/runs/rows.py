"""The table of the run list: a page of rows with its links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from dashboard.pages.runs.params import RunListParams
from dashboard.ui import run_columns, sort_headers
from dashboard.ui.run_rows import RunRow, build_run_rows, encode_list_param
from dashboard.ui.sort_headers import SortHeader
from runs.db.keyset_pagination import Cursor
from runs.models import Assistant, Run, RunStep, RunTag

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class RunTable:
    """A page of the run list.

    Attributes:
        rows: The rows.
        columns: The visible columns.
        headers: The sort links of the column headers, by sort key.
        order_label: The order in words.
        page_size: The maximum number of rows.
        cursor: The start of the page; None for the first page.
        first_url: The URL of the first page.
        next_url: The URL of the next page; None on the last page.
    """

    rows: list[RunRow]
    columns: dict[str, bool]
    headers: dict[str, SortHeader]
    order_label: str
    page_size: int
    cursor: Cursor | None
    first_url: str
    next_url: str | None


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
    return RunTable(
        rows=fetch_run_rows(params, page),
        columns=run_columns.build_column_flags(params.columns),
        headers=sort_headers.build_sort_headers(params.order, params.url_in_order),
        order_label=sort_headers.describe_order(params.order),
        page_size=PAGE_SIZE,
        cursor=params.cursor,
        first_url=params.url,
        next_url=params.address.url(params.filters, next_cursor) if next_cursor else None,
    )


def fetch_run_rows(params: RunListParams, runs: Sequence[Run]) -> list[RunRow]:
    """Return the rows of `runs`. Tools, assistant names and tags are fetched only if their columns are visible."""
    keys = [run.pk for run in runs]
    assistant_ids = {run.assistant_id for run in runs} if "assistant" in params.columns else set()
    return build_run_rows(
        runs,
        RunStep.objects.count_tools_by_run(keys) if keys and "tools" in params.columns else {},
        params.address.path,
        params.now,
        assistant_names=Assistant.objects.names_by_id(params.project, assistant_ids),
        tags=RunTag.objects.names_by_run(keys) if keys and "tags" in params.columns else {},
        list_param=encode_list_param(params.query_string),
    )
