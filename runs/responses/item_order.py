"""The order of listed items, whose pages arrive in any order and may overlap.

A page is a part of a list without gaps. Items that are known to follow each other directly have consecutive positions,
and are a chain; between chains is a gap. A page that has items of several chains joins them, whatever order they were
in: that was only assumed.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from django.db.models import Max, Min

from runs.db.updates import update_rows
from runs.models import ListedItem


@dataclass(frozen=True, slots=True)
class ItemPage:
    """A page of items, oldest first. `is_last` says that no items follow it in its order, which was `is_ascending`.

    `after` is the item that it begins after, None for the first page or if it is unknown.
    """

    items: Sequence[tuple[str, bytes]]
    is_ascending: bool = False
    is_last: bool = False
    after: str | None = None

    def list_neighbours(self) -> list[str]:
        """Return the ids of items that follow each other directly: those of the page, and the one it begins after."""
        ids = [item_id for item_id, _ in self.items]
        before, behind = ([self.after or ""], []) if self.is_ascending else ([], [self.after or ""])
        return list(filter(None, dict.fromkeys([*before, *ids, *behind])))


@dataclass(frozen=True, slots=True)
class Placement:
    """The positions of new items, and the ids of stored ones that are in another order than before."""

    positions: Mapping[str, int]
    moved: Collection[str] = field(default_factory=set)


def place_items(owner: uuid.UUID, page: ItemPage) -> Placement:
    """Return where the items of a page belong in the list of `owner`, and make room for them.

    Neighbours that are stored decide. Without any, a page is assumed to be newer than all others if it ascends and
    older if it descends, and the other way round if the list's end is known.
    """
    items = ListedItem.objects.filter(owner=owner)
    ids = page.list_neighbours()
    stored = dict(items.filter(external_id__in=ids).values_list("external_id", "position"))
    if page.after and page.after not in stored:
        ids.remove(page.after)
    if not stored:
        return Placement(dict(zip(ids, _find_positions_beyond(owner, page, len(ids)), strict=True)))
    placed = _place_beside(owner, ids, stored)
    return placed if placed is not None else _join_chains(owner, ids, stored)


def _find_positions_beyond(owner: uuid.UUID, page: ItemPage, count: int) -> Sequence[int]:
    """Return positions for a page of which no neighbour is stored."""
    items = ListedItem.objects.filter(owner=owner)
    bounds: dict[str, Any] = items.aggregate(low=Min("position"), high=Max("position"))
    low, high = bounds["low"], bounds["high"]
    if low is None:
        return range(count)
    has_end = items.filter(ends_list=True).exists()
    is_newer = page.is_ascending != has_end
    return range(high + 2, high + 2 + count) if is_newer else range(low - 1 - count, low - 1)


def _place_beside(owner: uuid.UUID, ids: Sequence[str], stored: Mapping[str, int]) -> Placement | None:
    """Place new items at free positions beside the stored ones; return None if there is no room, or a wrong order."""
    starts = {stored[item_id] - index for index, item_id in enumerate(ids) if item_id in stored}
    start = min(starts)
    # A new item at an end must not touch another chain.
    low, high = start - (ids[0] not in stored), start + len(ids) - (ids[-1] in stored)
    occupied = ListedItem.objects.filter(owner=owner, position__range=(low, high))
    if len(starts) > 1 or occupied.count() > len(stored):
        return None
    return Placement({item_id: start + index for index, item_id in enumerate(ids) if item_id not in stored})


def _join_chains(owner: uuid.UUID, ids: Sequence[str], stored: Mapping[str, int]) -> Placement:
    """Join the chains that have items of a page, and number the list again."""
    rows = list(ListedItem.objects.of_owner(owner).values_list("external_id", "position"))
    before = dict(rows)
    chains = list(_split_chains(rows))
    joined = [chain for chain in chains if not stored.keys().isdisjoint(chain)]
    chain = _merge_chains(joined, ids)
    order = [chain if other is joined[0] else other for other in chains if other is joined[0] or other not in joined]
    after = dict(_number(order, rows[0][1]))
    changed = [item_id for item_id in before if before[item_id] != after[item_id]]
    update_rows(ListedItem, ["position"], [(owner, item_id, after[item_id]) for item_id in changed])
    new = {item_id: after[item_id] for item_id in ids if item_id not in before}
    return Placement(new, set(chain) if len(joined) > 1 else set())


def _split_chains(rows: Sequence[tuple[str, int]]) -> Iterator[list[str]]:
    """Yield the ids of each chain of a list."""
    chain = [rows[0][0]]
    for (_, position), (next_id, next_position) in pairwise(rows):
        if next_position != position + 1:
            yield chain
            chain = []
        chain.append(next_id)
    yield chain


def _merge_chains(chains: Sequence[Sequence[str]], ids: Sequence[str]) -> list[str]:
    """Return the ids of a page in their order, and around them what the chains have before and behind them."""
    of_page = set(ids)
    before: dict[str, list[str]] = {}
    behind: dict[str, list[str]] = {}
    for chain in chains:
        others: list[str] = []
        last = ""
        for item_id in chain:
            if item_id not in of_page:
                others.append(item_id)
                continue
            before[item_id], others, last = others, [], item_id
        behind[last] = others
    return [other for item_id in ids for other in (*before.get(item_id, ()), item_id, *behind.get(item_id, ()))]


def _number(chains: Sequence[Sequence[str]], start: int) -> Iterator[tuple[str, int]]:
    """Yield the ids of chains and their positions, with gaps between chains."""
    position = start
    for chain in chains:
        for item_id in chain:
            yield item_id, position
            position += 1
        position += 1
