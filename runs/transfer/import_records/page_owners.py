"""Whose items a page has: a downloaded page does not say of which response or conversation it is.

Its wrapper says so, `{"response_id": …, "input_items": …}` or `{"conversation_id": …, "items": …}`; else the name of
its file, which repeats the address that it was downloaded from; else the defaults that the user gives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

UNKNOWN_OWNER = (
    "a page of items does not say whose it is: wrap it as "
    '{"response_id": …, "input_items": …} or {"conversation_id": …, "items": …}, or name its file '
    "RESPONSE_ID.input_items.json or CONVERSATION_ID.items.json"
)
# `responses/ID/input_items.json` and `ID.input_items.2.jsonl.gz` alike.
_FILE_NAME = re.compile(r"(?:^|/)(?P<id>[^/]+?)[/.](?P<list>input_items|items)(?:[._-][\w.-]*)?$")


class ItemListName(StrEnum):
    """A list of items, by the end of its address."""

    INPUT_ITEMS = "input_items"
    CONVERSATION_ITEMS = "items"


class ItemsOrder(StrEnum):
    """The parameter `order` with which a page was downloaded. The API's default is `desc`."""

    ASCENDING = "asc"
    DESCENDING = "desc"


@dataclass(frozen=True, slots=True)
class PageOwner:
    """The response or conversation whose items a page has."""

    items: ItemListName
    id: str


@dataclass(frozen=True, slots=True)
class PageDefaults:
    """The owner and order of pages whose wrapper and file name do not say them."""

    owner: PageOwner | None = None
    order: ItemsOrder = ItemsOrder.DESCENDING


def find_page_owner(file_name: str) -> PageOwner | None:
    """Return whose items a file has by its name, None if the name does not tell."""
    match = _FILE_NAME.search(file_name)
    return None if match is None else PageOwner(ItemListName(match["list"]), unquote(match["id"]))
