"""Read one list of a server page by page, and stop even where the server never says that the list ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runs.errors import UnreadableBody
from runs.protocol.lossless_json import decode_json, split_array, split_object
from runs.transfer.harvest.client import HarvestClient, RequestFailed

HARVEST_PAGE_SIZE = 100  # the maximum that the protocol allows
_MAX_STALLED_PAGES = 20  # in a row, each with a new cursor but without a new object


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object of a list: its id ("" if it has none) and its JSON text."""

    id: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class ServerListPage:
    """The objects of a page that no earlier page held.

    `is_truncated`: the server announces more objects but does not send them. It is the last page, without objects.
    """

    objects: list[ListedObject]
    is_truncated: bool = False


@dataclass(frozen=True, slots=True)
class _ListEnvelope:
    """A list as the server sent it. `has_more` is None where the server does not tell."""

    objects: list[ListedObject]
    has_more: bool | None
    cursor: str

    @property
    def may_have_more(self) -> bool:
        return self.has_more is True or len(self.objects) >= HARVEST_PAGE_SIZE


def fetch_list_pages(client: HarvestClient, path: str, *, ignore_has_more: bool = False) -> Iterator[ServerListPage]:
    """Yield the pages of the list at `path`, oldest objects first.

    The list ends where the server says so, or with an empty page if it says nothing. A list of which the server
    announces more objects without sending any ends with a page that `is_truncated`: the server ignores `after`, its
    pages do not advance, or they are empty. With `ignore_has_more`, any empty page is the regular end.

    Raises:
        HarvestError: see `HarvestClient.get`.
    """
    seen: set[str | bytes] = set()
    used_cursors = {""}
    cursor = ""
    stalled_pages = 0
    while True:
        envelope = _fetch_envelope(client, path, cursor)
        new_objects = [listed for listed in envelope.objects if (listed.id or listed.raw) not in seen]
        seen.update(listed.id or listed.raw for listed in new_objects)
        if new_objects:
            yield ServerListPage(new_objects)
        is_empty_end = not envelope.objects and (ignore_has_more or envelope.has_more is None)
        if envelope.has_more is False or is_empty_end:
            return
        stalled_pages = 0 if new_objects else stalled_pages + 1
        cursor = envelope.cursor
        if cursor in used_cursors or stalled_pages == _MAX_STALLED_PAGES:
            if envelope.may_have_more:
                yield ServerListPage([], is_truncated=True)
            return
        used_cursors.add(cursor)


def _fetch_envelope(client: HarvestClient, path: str, after: str) -> _ListEnvelope:
    params = {"limit": str(HARVEST_PAGE_SIZE), "order": "asc"} | ({"after": after} if after else {})
    members = client.get(path, params)
    try:
        raw_objects = split_array(members.get("data", b"null"))
    except UnreadableBody as error:
        raise RequestFailed(f"{path}: the response is not a list") from error
    objects = [ListedObject(_read_id(raw), raw) for raw in raw_objects]
    has_more = {b"true": True, b"false": False}.get(members.get("has_more", b""))
    return _ListEnvelope(
        objects, has_more, _decode_string(members.get("last_id")) or (objects[-1].id if objects else "")
    )


def _read_id(raw: bytes) -> str:
    try:
        return _decode_string(split_object(raw).get("id"))
    except UnreadableBody:
        return ""


def _decode_string(raw: bytes | None) -> str:
    """Return the JSON string `raw`, or "" for any other value."""
    value: Any = None if raw is None else decode_json(raw)
    return value if isinstance(value, str) else ""
