"""Fetch responses and conversations by their ids, since no server lists them, with their items."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from runs.errors import InvalidObject
from runs.ingest import IngestReport, RawItem
from runs.models import Project
from runs.protocol.lossless_json import decode_json, join_members
from runs.protocol.responses.response import ENDED_RESPONSE_STATUSES, normalize_status
from runs.responses import (
    ingest_responses,
    parse_item_page,
    store_conversation_items,
    store_conversations,
    store_input_items,
)
from runs.responses.item_order import ItemPage
from runs.transfer.harvest.client import HarvestClient, RequestFailed, ResourceNotFound
from runs.transfer.harvest.crawler import ListProblems
from runs.transfer.harvest.pagination import fetch_list_pages


@dataclass(slots=True)
class NamedObject(ListProblems):
    """The result of fetching one response or conversation: how many items it has, and the report of a response.

    `kind` is the plural that it is counted as. `was_stored` says that the object itself was fetched and stored, even
    if its items were not. `can_change` says that it has not ended, so that the next harvest fetches it again.
    """

    kind: str = ""
    path: str = ""
    was_stored: bool = False
    items: int = 0
    report: IngestReport | None = None
    can_change: bool = False

    @property
    def is_missing(self) -> bool:
        """Return whether the server does not know the object."""
        return self.path in self.missing_lists

    @property
    def is_complete(self) -> bool:
        """Return whether everything was fetched and stored, and will not change."""
        is_stored = self.report is None or not self.report.errors
        return is_stored and not (self.can_change or self.missing_lists or self.truncated_lists or self.failures)


def fetch_responses(client: HarvestClient, project: Project, ids: Iterable[str]) -> Generator[NamedObject]:
    """Fetch and store responses with their input. Yield the result of each."""
    for response_id in ids:
        result = NamedObject(kind="responses", path=response_path(response_id))
        try:
            members = client.get(result.path, {})
            result.report = ingest_responses(project, [RawItem(0, join_members(members))])
            result.was_stored = not result.report.errors
            status = decode_json(members.get("status", b"null"))
            name = normalize_status(status if isinstance(status, str) else None, has_output=True)
            result.can_change = name not in ENDED_RESPONSE_STATUSES
            for page in _fetch_items(client, f"{result.path}/input_items", result):
                store_input_items(project, response_id, page)
        except ResourceNotFound:
            result.missing_lists.append(result.path)
        except (RequestFailed, InvalidObject) as error:
            result.failures.append(f"{result.path}: {error.message}")
        yield result


def fetch_conversations(client: HarvestClient, project: Project, ids: Iterable[str]) -> Generator[NamedObject]:
    """Fetch and store conversations with their items. Yield the result of each. They can always go on."""
    for conversation_id in ids:
        result = NamedObject(kind="conversations", path=conversation_path(conversation_id), can_change=True)
        try:
            store_conversations(project, [(conversation_id, join_members(client.get(result.path, {})))])
            result.was_stored = True
            for page in _fetch_items(client, f"{result.path}/items", result):
                store_conversation_items(project, conversation_id, page)
        except ResourceNotFound:
            result.missing_lists.append(result.path)
        except (RequestFailed, InvalidObject) as error:
            result.failures.append(f"{result.path}: {error.message}")
        yield result


def response_path(response_id: str) -> str:
    """Return the path of a response, by which it is recorded as finished."""
    return f"/responses/{quote(response_id, safe='')}"


def conversation_path(conversation_id: str) -> str:
    """Return the path of a conversation."""
    return f"/conversations/{quote(conversation_id, safe='')}"


def _fetch_items(client: HarvestClient, path: str, result: NamedObject) -> Iterator[ItemPage]:
    """Yield the pages of items; a list that the server does not have is recorded in `result`."""
    after: str | None = None
    try:
        for page in fetch_list_pages(client, path, ignore_has_more=client.server.ignore_has_more):
            if page.is_truncated:
                result.truncated_lists.append(path)
                return
            raw = b"[" + b",".join(item.raw for item in page.objects) + b"]"
            yield parse_item_page(raw, order="asc", after=after)
            result.items += len(page.objects)
            after = page.objects[-1].id or None
    except ResourceNotFound:
        result.missing_lists.append(path)
