"""The lists of items that the Responses API returns: downloaded ones, else those of stored responses and requests."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from runs.api.assistants_compat.errors import AssistantsApiError
from runs.api.assistants_compat.pagination import ObjectListParams, ObjectPage
from runs.models import Conversation, ListedItem, Project, Response
from runs.models.conversation import make_conversation_key
from runs.protocol.lossless_json import decode_json, encode_json, split_array, split_object
from runs.protocol.responses.items import normalize_input

ItemMembers = dict[str, bytes]


class ItemList(Protocol):
    """Items in their order, the oldest first."""

    def find(self, item_id: str) -> ItemMembers | None:
        """Return the item with that id."""

    def fetch(self, after: str | None, *, is_descending: bool, limit: int) -> list[ItemMembers]:
        """Return up to `limit` items after the one with the id `after`. Raises AssistantsApiError."""


@dataclass(frozen=True, slots=True)
class DownloadedItems:
    """The items of a list as they were downloaded. Each page is read by itself."""

    owner: uuid.UUID

    def find(self, item_id: str) -> ItemMembers | None:
        """Return the item with that id."""
        item = ListedItem.objects.filter(owner=self.owner, external_id=item_id).first()
        return None if item is None else split_object(item.body.encode())

    def fetch(self, after: str | None, *, is_descending: bool, limit: int) -> list[ItemMembers]:
        """Return up to `limit` items after the one with the id `after`."""
        items = ListedItem.objects.filter(owner=self.owner)
        if after is not None:
            position = items.filter(external_id=after).values_list("position", flat=True).first()
            if position is None:
                raise item_not_found(after)
            items = items.filter(**{"position__lt" if is_descending else "position__gt": position})
        bodies = items.order_by("-position" if is_descending else "position").values_list("body", flat=True)[:limit]
        return [split_object(body.encode()) for body in bodies]


@dataclass(frozen=True, slots=True)
class KnownItems:
    """Items that are read of responses and requests. Those without an id get one."""

    items: Sequence[ItemMembers]

    def find(self, item_id: str) -> ItemMembers | None:
        """Return the item with that id."""
        return next((item for item in self.items if decode_json(item["id"]) == item_id), None)

    def fetch(self, after: str | None, *, is_descending: bool, limit: int) -> list[ItemMembers]:
        """Return up to `limit` items after the one with the id `after`."""
        items = list(reversed(self.items) if is_descending else self.items)
        if after is not None:
            places = [place for place, item in enumerate(items) if decode_json(item["id"]) == after]
            if not places:
                raise item_not_found(after)
            items = items[places[0] + 1 :]
        return items[:limit]


def find_input_items(response: Response) -> ItemList:
    """Return the input of a response: as downloaded, else as requested."""
    if ListedItem.objects.filter(owner=response.pk).exists():
        return DownloadedItems(response.pk)
    return KnownItems(list(_read_request_items(response)))


def find_conversation_items(project: Project, conversation_id: str) -> ItemList | None:
    """Return the items of a conversation: as downloaded, else those of its responses. None if it is not known."""
    owner = make_conversation_key(project, conversation_id)
    if ListedItem.objects.filter(owner=owner).exists():
        return DownloadedItems(owner)
    responses = list(Response.objects.in_conversation(project, conversation_id))
    if not responses and Conversation.objects.find(project, conversation_id) is None:
        return None
    items = [item for response in responses for item in (*_read_request_items(response), *_read_output(response))]
    return KnownItems(items)


def paginate_items(items: ItemList, params: ObjectListParams) -> ObjectPage:
    """Return a page of `items`, and whether more follow."""
    found = items.fetch(params.after, is_descending=params.is_descending, limit=params.limit + 1)
    return ObjectPage(found[: params.limit], len(found) > params.limit)


def item_not_found(item_id: str) -> AssistantsApiError:
    """Return the error for an item that a list does not have."""
    return AssistantsApiError(404, f"Item with id '{item_id}' not found.")


def _read_request_items(response: Response) -> Iterable[ItemMembers]:
    if response.request is None:
        return []
    items = normalize_input(decode_json(response.request.encode()).get("input"))
    return _add_ids(response, "input", map(encode_json, items))


def _read_output(response: Response) -> Iterable[ItemMembers]:
    output = response.members().get("output", b"null")
    return _add_ids(response, "output", split_array(output) if output.startswith(b"[") else [])


def _add_ids(response: Response, part: str, items: Iterable[bytes]) -> Iterable[ItemMembers]:
    for index, raw in enumerate(items):
        members = split_object(raw)
        if not isinstance(decode_json(members.get("id", b"null")), str):
            members = {"id": encode_json(f"{response.external_id}:{part}:{index}")} | {
                name: value for name, value in members.items() if name != "id"
            }
        yield members
