"""Downloaded lists of items: inputs of responses and items of conversations, stored page by page."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection

from django.db.models import Max
from django.utils import timezone

from runs.derivation import run_in_derivation_transaction
from runs.errors import InvalidObject, Problem, RunglassError
from runs.ingest.merge import Receipt
from runs.ingest.object_limits import check_object_limits, load_object_limits
from runs.models import ListedItem, Project, Response
from runs.models.conversation import make_conversation_key
from runs.protocol.identifiers import find_id_fault
from runs.protocol.lossless_json import check_json_depth, decode_json, split_array, split_object
from runs.responses.item_order import ItemPage, place_items
from runs.responses.links import lock_threads
from runs.responses.rederivation import RefusedTurns, derive_turns_of

MAX_ITEMS_PER_PAGE = 10_000


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

    def find_touched(_: Collection[str]) -> list[str]:
        known = Response.objects.with_external_ids(project, [response_id])
        return list(known.values_list("external_id", flat=True))

    return _store_page(project, project.record_id(response_id), response_id, page, find_touched, key_id)


def store_conversation_items(
    project: Project, conversation_id: str, page: ItemPage, *, key_id: int | None = None
) -> int:
    """Store a page of the items of a conversation, and derive the runs again whose items it has or precedes.

    Otherwise like `store_input_items`.
    """

    def find_touched(moved: Collection[str]) -> list[str]:
        # the items of a page, those that it moved, and the first of a response that follows them
        ids = list({item_id for item_id, _ in page.items}.union(moved))
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
    find_touched: Callable[[Collection[str]], list[str]],
    key_id: int | None,
) -> int:
    def store() -> int:
        lock_threads(project, [name])
        count, moved = _write_page(project, owner, page)
        if (count or moved) and (touched := find_touched(moved)):
            threads = Response.objects.with_external_ids(project, touched).values_list("thread_id", flat=True)
            lock_threads(project, threads)
            derive_turns_of(project, touched, Receipt(timezone.now(), key_id))
        return count

    try:
        return run_in_derivation_transaction(project, store)
    except RefusedTurns as error:
        problems = [problem for found in error.problems.values() for problem in found]
        raise InvalidObject(problems=problems) from error


def _write_page(project: Project, owner: uuid.UUID, page: ItemPage) -> tuple[int, Collection[str]]:
    """Write a page. Return the number of new or changed items, and the ids of items that are in another order now."""
    stored = dict(
        ListedItem.objects.filter(owner=owner, external_id__in=[item_id for item_id, _ in page.items]).values_list(
            "external_id", "body"
        )
    )
    placement = place_items(owner, page)
    rows = [
        ListedItem(
            owner=owner,
            external_id=item_id,
            project=project,
            position=placement.positions.get(item_id, 0),
            ends_list=page.is_last and item_id == _end_of(page),
            body=raw.decode(),
        )
        for item_id, raw in dict(page.items).items()
        if item_id not in stored or stored[item_id] != raw.decode()
    ]
    ListedItem.objects.bulk_create(
        rows,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["owner", "external_id"],
        update_fields=["body", "ends_list"],
    )
    return len(rows), placement.moved


def _end_of(page: ItemPage) -> str:
    return page.items[-1 if page.is_ascending else 0][0]
