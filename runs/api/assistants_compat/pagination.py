"""Lists as the hosted API served them: `limit`, `order`, `after`, `before`, and the envelope around a page.

The order is that of `created_at`; what came in the same second follows the order of our own keys, which is
arbitrary but never changes, so pages neither overlap nor leave anything out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import QuerySet

from runs.api.assistants_compat.errors import AssistantsApiError, invalid_param_value
from runs.db.keyset_pagination import is_after, order_by_columns
from runs.protocol import lossless_json

LIST_PARAMS = ("limit", "order", "after", "before")

_DEFAULT_LIMIT = 20
_LARGEST_LIMIT = 100
_INTEGER = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class ObjectListParams:
    """Which page is asked for; `after` and `before` are ids of objects that are not on it."""

    limit: int = _DEFAULT_LIMIT
    descending: bool = True
    after: str | None = None
    before: str | None = None

    @classmethod
    def from_query(cls, query: dict[str, str]) -> ObjectListParams:
        """Read a query string's parameters. Raises ClientError."""
        order = query.get("order", "desc")
        if order not in ("asc", "desc"):
            raise invalid_param_value("order", order, ["asc", "desc"])
        return cls(_limit(query.get("limit")), order == "desc", query.get("after"), query.get("before"))


class ObjectPage(NamedTuple):
    """Some records in the order asked for, and whether there are more of them in the direction of reading."""

    records: list[Any]
    has_more: bool


def fetch_object_page(
    query: ObjectListParams,
    columns: Sequence[str],
    position: Callable[[str], Sequence[Any]],
    *sources: QuerySet[Any],
) -> ObjectPage:
    """The page of `sources`, merged, that `query` asks for.

    `position` gives the values of `columns` for the object that a cursor names. With `before` alone it is the
    page that ends there. It takes one query, and one more for a cursor, wherever in the list the page is.
    """
    backward = query.before is not None and query.after is None
    descending = query.descending != backward
    pieces = list(sources)
    if query.after is not None:
        start = position(query.after)
        pieces = [piece.filter(is_after(columns, start, descending=query.descending)) for piece in pieces]
    if query.before is not None:
        end = position(query.before)
        pieces = [piece.filter(is_after(columns, end, descending=not query.descending)) for piece in pieces]
    ordered = [order_by_columns(piece, columns, descending=descending)[: query.limit + 1] for piece in pieces]
    found = list(_merged(ordered, columns, descending=descending)[: query.limit + 1])
    records = found[: query.limit]
    return ObjectPage(records[::-1] if backward else records, has_more=len(found) > query.limit)


def render_list_envelope(objects: Iterable[dict[str, bytes]], *, has_more: bool) -> bytes:
    """A list of objects, each given by its members as JSON texts.

    The page behind the last object names no ids: one client stops at nothing else.
    """
    data = list(objects)
    first, last = (data[0]["id"], data[-1]["id"]) if data else (b"null", b"null")
    more = b"true" if has_more else b"false"
    listed = b",".join(map(lossless_json.join_members, data))
    return b'{"object":"list","data":[%b],"first_id":%b,"last_id":%b,"has_more":%b}' % (
        listed,
        first,
        last,
        more,
    )


def _merged(pieces: list[QuerySet[Any]], columns: Sequence[str], *, descending: bool) -> QuerySet[Any]:
    first, *others = pieces
    return order_by_columns(first.union(*others, all=True), columns, descending=descending) if others else first


def _limit(written: str | None) -> int:
    if written is None:
        return _DEFAULT_LIMIT
    if not _INTEGER.fullmatch(written):
        message = "Invalid type for 'limit': expected an integer, but got a string instead."
        raise AssistantsApiError(400, message, param="limit", code="invalid_type")
    limit = int(written)
    if limit < 1:
        raise _out_of_range(f"integer below minimum value. Expected a value >= 1, but got {limit}", "below_min")
    if limit > _LARGEST_LIMIT:
        expected = f"Expected a value <= {_LARGEST_LIMIT}, but got {limit}"
        raise _out_of_range(f"integer above maximum value. {expected}", "above_max")
    return limit


def _out_of_range(problem: str, side: str) -> AssistantsApiError:
    return AssistantsApiError(400, f"Invalid 'limit': {problem} instead.", param="limit", code=f"integer_{side}_value")
