"""Lists of the Assistants API: the parameters `limit`, `order`, `after` and `before`, and the envelope of a page.

Lists are ordered by `created_at`, and within the same second by a column whose order is arbitrary but never changes.
So pages neither overlap nor skip anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import QuerySet

from runs.api.assistants_compat.errors import AssistantsApiError, invalid_param_value
from runs.db.keyset_pagination import is_after, order_by_columns
from runs.protocol.lossless_json import join_members

LIST_PARAMS = ("limit", "order", "after", "before")

_DEFAULT_LIMIT = 20
_MAX_LIMIT = 100
_INTEGER = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class ObjectListParams:
    """The parameters of a list. `after` and `before` are the ids of objects next to the page."""

    limit: int = _DEFAULT_LIMIT
    is_descending: bool = True
    after: str | None = None
    before: str | None = None

    @classmethod
    def from_query(cls, query: dict[str, str]) -> ObjectListParams:
        """Parse the parameters of a query string.

        Raises:
            AssistantsApiError: a parameter is invalid.
        """
        order = query.get("order", "desc")
        if order not in ("asc", "desc"):
            raise invalid_param_value("order", order, ["asc", "desc"])
        return cls(_parse_limit(query.get("limit")), order == "desc", query.get("after"), query.get("before"))


class ObjectPage(NamedTuple):
    """The records of a page, and whether more of them follow in the direction of reading."""

    records: list[Any]
    has_more: bool


def fetch_object_page(
    params: ObjectListParams,
    columns: Sequence[str],
    find_position: Callable[[str], Sequence[Any]],
    *sources: QuerySet[Any],
) -> ObjectPage:
    """Return a page of the records of `sources`, merged and ordered by `columns`.

    With `before` alone, the page ends before that object. A page takes one query, and one more for each of `after`
    and `before`, no matter how far down the list it is.

    Args:
        params: The parameters of the list.
        columns: The columns that the list is ordered by.
        find_position: Returns the values of `columns` for the object with a given id.
        sources: Queries for the records.
    """
    is_backward = params.before is not None and params.after is None
    is_descending = params.is_descending != is_backward
    # 1. restrict every source to the records between `after` and `before`
    queries = list(sources)
    if params.after is not None:
        start = is_after(columns, find_position(params.after), descending=params.is_descending)
        queries = [query.filter(start) for query in queries]
    if params.before is not None:
        end = is_after(columns, find_position(params.before), descending=not params.is_descending)
        queries = [query.filter(end) for query in queries]
    # 2. take a page of every source, and one record more, which tells whether there is a next page
    size = params.limit + 1
    queries = [order_by_columns(query, columns, descending=is_descending)[:size] for query in queries]
    # 3. merge them
    merged, *others = queries
    if others:
        merged = order_by_columns(merged.union(*others, all=True), columns, descending=is_descending)[:size]
    found = list(merged)
    records = found[: params.limit]
    return ObjectPage(records[::-1] if is_backward else records, has_more=len(found) > params.limit)


def render_list_envelope(objects: Iterable[dict[str, bytes]], *, has_more: bool) -> bytes:
    """Return a list envelope for `objects`, which are given by their members as JSON texts.

    The ids of an empty page are null: one client stops paging only at null ids.
    """
    data = list(objects)
    first_id, last_id = (data[0]["id"], data[-1]["id"]) if data else (b"null", b"null")
    return b'{"object":"list","data":[%b],"first_id":%b,"last_id":%b,"has_more":%b}' % (
        b",".join(map(join_members, data)),
        first_id,
        last_id,
        b"true" if has_more else b"false",
    )


def _parse_limit(value: str | None) -> int:
    if value is None:
        return _DEFAULT_LIMIT
    if not _INTEGER.fullmatch(value):
        message = "Invalid type for 'limit': expected an integer, but got a string instead."
        raise AssistantsApiError(400, message, param="limit", code="invalid_type")
    limit = int(value)
    if limit < 1:
        message = f"integer below minimum value. Expected a value >= 1, but got {limit} instead."
        raise AssistantsApiError(400, f"Invalid 'limit': {message}", param="limit", code="integer_below_min_value")
    if limit > _MAX_LIMIT:
        message = f"integer above maximum value. Expected a value <= {_MAX_LIMIT}, but got {limit} instead."
        raise AssistantsApiError(400, f"Invalid 'limit': {message}", param="limit", code="integer_above_max_value")
    return limit
