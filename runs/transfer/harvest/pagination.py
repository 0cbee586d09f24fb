"""One list of a server, page by page, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runs.errors import UnreadableBody
from runs.protocol import lossless_json
from runs.transfer.harvest.client import Client, GivenUp

PAGE = 100  # the most that the protocol allows


@dataclass(frozen=True, slots=True)
class Listed:
    """One object of a list: its id ("" where it has none) and its JSON text."""

    id: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """What a page brought that was not there before. `repeats`: it told of more, but what came was known."""

    items: list[Listed]
    repeats: bool = False


def pages(client: Client, path: str) -> Iterator[Page]:
    """The pages of the list at `path`, oldest first.

    It ends where the server says so, with an empty page, or with one that brings nothing new, since some
    servers say for ever that there is more. Raises what `Client.get` does.
    """
    seen: set[str] = set()
    after = ""
    while True:
        parameters = {"limit": str(PAGE), "order": "asc"} | ({"after": after} if after else {})
        members = client.get(path, parameters)
        items = _items(path, members)
        fresh = [item for item in items if item.id not in seen]
        seen.update(item.id for item in items)
        if items and not fresh:
            yield Page([], repeats=True)
        if not fresh:
            return
        yield Page(fresh)
        after = _string(members.get("last_id")) or items[-1].id
        if members.get("has_more") == b"false" or not after:
            return


def _items(path: str, members: dict[str, bytes]) -> list[Listed]:
    try:
        raws = lossless_json.elements(members.get("data", b"null"))
    except UnreadableBody as error:
        raise GivenUp(f"{path}: the answer is no list") from error
    return [Listed(_id(raw), raw) for raw in raws]


def _id(raw: bytes) -> str:
    try:
        return _string(lossless_json.fields(raw).get("id"))
    except UnreadableBody:
        return ""


def _string(raw: bytes | None) -> str:
    found: Any = None if raw is None else lossless_json.value(raw)
    return found if isinstance(found, str) else ""
