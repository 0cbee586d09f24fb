"""One list of a server, page by page, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runs.errors import UnreadableBody
from runs.protocol import lossless_json
from runs.transfer.harvest.client import HarvestClient, RequestFailed

HARVEST_PAGE_SIZE = 100  # the most that the protocol allows


@dataclass(frozen=True, slots=True)
class ListedObject:
    """One object of a list: its id ("" where it has none) and its JSON text."""

    id: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class ServerListPage:
    """What a page brought that was not there before. `repeats`: it told of more, but what came was known."""

    items: list[ListedObject]
    repeats: bool = False


def fetch_list_pages(client: HarvestClient, path: str) -> Iterator[ServerListPage]:
    """The pages of the list at `path`, oldest first.

    It ends where the server says so, with an empty page, or with one that brings nothing new, since some
    servers say for ever that there is more. Raises what `Client.get` does.
    """
    seen: set[str] = set()
    after = ""
    while True:
        parameters = {"limit": str(HARVEST_PAGE_SIZE), "order": "asc"} | ({"after": after} if after else {})
        members = client.get(path, parameters)
        items = _items(path, members)
        fresh = [item for item in items if item.id not in seen]
        seen.update(item.id for item in items)
        if items and not fresh:
            yield ServerListPage([], repeats=True)
        if not fresh:
            return
        yield ServerListPage(fresh)
        after = _string(members.get("last_id")) or items[-1].id
        if members.get("has_more") == b"false" or not after:
            return


def _items(path: str, members: dict[str, bytes]) -> list[ListedObject]:
    try:
        raws = lossless_json.split_array(members.get("data", b"null"))
    except UnreadableBody as error:
        raise RequestFailed(f"{path}: the answer is no list") from error
    return [ListedObject(_id(raw), raw) for raw in raws]


def _id(raw: bytes) -> str:
    try:
        return _string(lossless_json.split_object(raw).get("id"))
    except UnreadableBody:
        return ""


def _string(raw: bytes | None) -> str:
    found: Any = None if raw is None else lossless_json.decode_json(raw)
    return found if isinstance(found, str) else ""
