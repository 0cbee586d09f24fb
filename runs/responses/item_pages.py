"""Downloaded lists of items: inputs of responses and items of conversations, stored page by page."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Max, Min
from django.utils import timezone

from runs.derivation import run_in_derivation_transaction
from runs.errors import InvalidObject, Problem, RunglassError
from runs.ingest.merge import Receipt
from runs.ingest.object_limits import check_object_limits, load_object_limits
from runs.models import ListedItem, Project, Response
from runs.models.conversation import make_conversation_key
from runs.protocol.identifiers import find_id_fault
from runs.protocol.lossless_json import check_json_depth, decode_json, split_array, split_object
from runs.responses.links import lock_threads
from runs.responses.rederivation import RefusedTurns, derive_turns_of

MAX_ITEMS_PER_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class ItemPage:
    """A page of items, oldest first. `is_last` says that no items follow it in its order, which was `is_ascending`.

    `after` is the item that it begins after, None for the first page or if it is unknown.
    """

    items: Sequence[tuple[str, bytes]]
    is_ascending: bool = False
    is_last: bool = False
    after: str | None = None


def parse_item_page(raw: bytes, *, order: str = "desc", after: str | None = None) -> ItemPage:
    """Parse a list of items as it was downloaded, or an array of items. Raises InvalidObject and UnreadableBody."""
    limits = load_object_limits()
    check_json_depth(raw)
    members = split_object(raw) if raw.lstrip()[:1] == b"{" else {"data": raw}
    data = members.get("data", b"")
    if not data.startswith(b"["):
        raise InvalidObject(problems=[Problem("/data", "expected an array of items")])
    items: list[tuple[str, bytes]] = []
    problems: list[Problem] = []
    for index, item in enumerate(split_array(data, MAX_ITEMS_PER_PAGE)):
        try:
            check_object_limits(item, limits)
            items.append((_check_item(item), item))
        except RunglassError as error:
            found = error.problems or [Problem("", error.message)]
            problems += [Problem(f"/data/{index}{problem.path}", problem.message, index) for problem in found]
    if problems:
        raise InvalidObject(problems=problems)
    is_ascending = order == "asc"
    is_last = members.get("has_more", b"true") == b"false"
    return ItemPage(items if is_ascending else items[::-1], is_ascending, is_last, after)


def _check_item(raw: bytes) -> str:
    """Return the id of an item. Raises InvalidObject."""
    value = decode_json(raw)
    if not isinstance(value, dict):
        raise InvalidObject(problems=[Problem("", "expected an item, an object")])
    item_id, item_type = value.get("id"), value.get("type")
    problems = []
    if not isinstance(item_id, str):
        problems.append(Problem("/id", "required, but missing" if item_id is None else "expected string"))
    elif fault := find_id_fault(item_id):
        problems.append(Problem("/id", fault))
    if not isinstance(item_type, str):
        problems.append(Problem("/type", "required, but missing" if item_type is None else "expected string"))
    if problems:
        raise InvalidObject(problems=problems)
    return str(item_id)


def store_input_items(project: Project, response_id: str, page: ItemPage, *, key_id: int | None = None) -> int:
    """Store a page of the input of a response, and derive its run again. Return the number of new or changed items.

    The response may come later. Raises InvalidObject, TooManyRetries, DiskFull, and Django's DatabaseError.
    """

    def find_touched() -> list[str]:
        known = Response.objects.with_external_ids(project, [response_id])
        return list(known.values_list("external_id", flat=True))

    return _store_page(project, project.record_id(response_id), response_id, page, find_touched, key_id)


def store_conversation_items(
    project: Project, conversation_id: str, page: ItemPage, *, key_id: int | None = None
) -> int:
    """Store a page of the items of a conversation, and derive the runs again whose items it has or precedes.

    Otherwise like `store_input_items`.
    """

    def find_touched() -> list[str]:
        # the items of a page, and the first of a response that follows the page
        ids = [item_id for item_id, _ in page.items]
        owner = make_conversation_key(project, conversation_id)
        last = ListedItem.objects.filter(owner=owner, external_id__in=ids).aggregate(last=Max("position"))["last"]
        following = ListedItem.objects.of_owner(owner).filter(position__gt=last or 0)[:1]
        ids += following.values_list("external_id", flat=True)
        responses = Response.objects.in_conversation(project, conversation_id).filter(item_ids__overlap=ids)
        return list(responses.values_list("external_id", flat=True))

    owner = make_conversation_key(project, conversation_id)
    return _store_page(project, owner, conversation_id, page, find_touched, key_id)


def _store_page(
    project: Project,
    owner: uuid.UUID,
    name: str,
    page: ItemPage,
    find_touched: Callable[[], list[str]],
    key_id: int | None,
) -> int:
    def store() -> int:
        lock_threads(project, [name])
        count = _write_page(project, owner, page)
        if count and (touched := find_touched()):
            threads = Response.objects.with_external_ids(project, touched).values_list("thread_id", flat=True)
            lock_threads(project, threads)
            derive_turns_of(project, touched, Receipt(timezone.now(), key_id))
        return count

    try:
        return run_in_derivation_transaction(project, store)
    except RefusedTurns as error:
        problems = [problem for found in error.problems.values() for problem in found]
        raise InvalidObject(problems=problems) from error


def _write_page(project: Project, owner: uuid.UUID, page: ItemPage) -> int:
    stored: dict[str, tuple[int, str]] = {
        item_id: (position, body)
        for item_id, position, body in ListedItem.objects.filter(
            owner=owner, external_id__in=[item_id for item_id, _ in page.items]
        ).values_list("external_id", "position", "body")
    }
    new_ids = list(dict.fromkeys(item_id for item_id, _ in page.items if item_id not in stored))
    positions = dict(zip(new_ids, _find_positions(owner, page, len(new_ids)), strict=True))
    bodies = dict(page.items)
    rows = [
        ListedItem(
            owner=owner,
            external_id=item_id,
            project=project,
            position=positions[item_id] if item_id in positions else stored[item_id][0],
            ends_list=page.is_last and item_id == _end_of(page),
            body=raw.decode(),
        )
        for item_id, raw in bodies.items()
        if item_id in positions or stored[item_id][1] != raw.decode()
    ]
    ListedItem.objects.bulk_create(
        rows,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["owner", "external_id"],
        update_fields=["body", "ends_list"],
    )
    return len(rows)


def _end_of(page: ItemPage) -> str:
    return page.items[-1 if page.is_ascending else 0][0]


def _find_positions(owner: uuid.UUID, page: ItemPage, count: int) -> Sequence[int]:
    """Return positions for the new items of a page: beyond the stored ones, or before those that end the list."""
    items = ListedItem.objects.filter(owner=owner)
    bounds: dict[str, Any] = items.aggregate(low=Min("position"), high=Max("position"))
    low, high = bounds["low"], bounds["high"]
    if low is None:
        return range(count)
    if page.after and (place := items.filter(external_id=page.after).values_list("position").first()):
        return _make_room(owner, place[0], count, is_ascending=page.is_ascending)
    has_end = items.filter(ends_list=True).exists()
    is_newer = page.is_ascending != has_end
    return range(high + 1, high + 1 + count) if is_newer else range(low - count, low)


def _make_room(owner: uuid.UUID, place: int, count: int, *, is_ascending: bool) -> Sequence[int]:
    """Return `count` positions next to `place`, in the order of the page. Items that are there already move on."""
    beyond = ListedItem.objects.filter(owner=owner)
    if is_ascending:
        beyond.filter(position__gt=place).update(position=F("position") + count)
        return range(place + 1, place + 1 + count)
    beyond.filter(position__lt=place).update(position=F("position") - count)
    return range(place - count, place)
