"""The ids of the steps and messages that items become."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from runs.protocol.identifiers import find_id_fault
from runs.responses.turn_response import TurnResponse


def make_item_ids(responses: Sequence[TurnResponse]) -> dict[tuple[str, int], str]:
    """Return the id of each item of the outputs of a turn, by the id of its response and its index there.

    An item without an id, or with one that is no id or that repeats in the turn, has that of its response and its
    index.
    """
    posted = Counter(_get_id(item) for response in responses for item in response.output)
    return {
        (response.id, index): item_id
        if (item_id := _get_id(item)) and posted[item_id] == 1
        else f"{response.id[:200]}:{index}"
        for response in responses
        for index, item in enumerate(response.output)
    }


def _get_id(item: dict[str, object]) -> str | None:
    item_id = item.get("id")
    return item_id if isinstance(item_id, str) and not find_id_fault(item_id) else None
