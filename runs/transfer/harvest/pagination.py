"""Read one list of a server page by page, and stop even where the server never says that the list ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runs.errors import UnreadableBody
from runs.protocol.lossless_json import decode_json, split_array, split_object
from runs.transfer.harvest.client import HarvestClient, RequestFailed

HARVEST_PAGE_SIZE = 100  # the maximum that the protocol allows


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object of a list: its id ("" if it has none) and its JSON text."""

    id: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class ServerListPage:
    """The objects of a page that no earlier page held.

    `is_repetition`: the server announced more objects, but sent only known ones.
    """

    objects: list[ListedObject]
    is_repetition: bool = False


def fetch_list_pages(client: HarvestClient, path: str) -> Iterator[ServerListPage]:
    """Yield the pages of the list at `path`, oldest objects first.

    The list ends where the server says so, with an empty page, or with a page that holds nothing new, since some
    servers always set `has_more`.

    Raises:
        HarvestError: see `HarvestClient.get`.
    """
    seen_ids: set[str] = set()
    after = ""
    while True:
        params = {"limit": str(HARVEST_PAGE_SIZE), "order": "asc"} | ({"after": after} if after else {})
        members = client.get(path, params)
        try:
            raw_objects = split_array(members.get("data", b"null"))
        except UnreadableBody as error:
            raise RequestFailed(f"{path}: the response is not a list") from error
        objects = [ListedObject(_read_id(raw), raw) for raw in raw_objects]
        new_objects = [listed for listed in objects if listed.id not in seen_ids]
        seen_ids.update(listed.id for listed in objects)
        if not new_objects:
            if objects:
                yield ServerListPage([], is_repetition=True)
            return
        yield ServerListPage(new_objects)
        after = _decode_string(members.get("last_id")) or objects[-1].id
        if members.get("has_more") == b"false" or not after:
            return


def _read_id(raw: bytes) -> str:
    try:
        return _decode_string(split_object(raw).get("id"))
    except UnreadableBody:
        return ""


def _decode_string(raw: bytes | None) -> str:
    """Return the JSON string `raw`, or "" for any other value."""
    value: Any = None if raw is None else decode_json(raw)
    return value if isinstance(value, str) else ""
