"""The comparison of two snapshots of a record by content: whether one lacks what the other one has.

Servers show one state of a record in several forms. A list may leave out results that the retrieved object has, an
event may come before the texts are filled in, and an export may cut long texts. Such a form has the same standing as
the complete one, but less content.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from enum import IntFlag
from typing import Any

from runs.protocol.lossless_json import dump_json, is_equal_value, parse_json

# Strings that may be cut or still be growing, by the name of their member. All others are equal or contradict.
_TEXT_MEMBERS = frozenset(
    {"value", "text", "content", "arguments", "output", "input", "logs", "instructions", "message", "refusal"}
)


class ContentChange(IntFlag):
    """The change of content from one snapshot to another. A different value is `LOST` and `GAINED` at once."""

    NONE = 0
    LOST = 1
    GAINED = 2


def compare_members(before: Mapping[str, bytes], after: Mapping[str, bytes], names: Collection[str]) -> ContentChange:
    """Return the change of content in the members `names` of two objects, each given by its members as JSON texts.

    Null, an empty string, array or object, and an absent member are all without content.
    """
    change = ContentChange.NONE
    for name in names:
        change |= _compare_values(name, *(parse_json(members.get(name, b"null")) for members in (before, after)))
    return change


def _compare_values(name: str, before: Any, after: Any) -> ContentChange:
    match before, after:
        case dict(), dict():
            return _compare_all((key, before.get(key), after.get(key)) for key in {**before, **after})
        case list(), list():
            return _compare_lists(name, before, after)
    if not _has_content(before):
        return ContentChange.GAINED if _has_content(after) else ContentChange.NONE
    if not _has_content(after):
        return ContentChange.LOST
    if is_equal_value(before, after):
        return ContentChange.NONE
    if name in _TEXT_MEMBERS and type(before) is type(after) is str:
        if before.startswith(after):
            return ContentChange.LOST
        if after.startswith(before):
            return ContentChange.GAINED
    return ContentChange.LOST | ContentChange.GAINED


def _compare_all(pairs: Any) -> ContentChange:
    change = ContentChange.NONE
    for name, before, after in pairs:
        change |= _compare_values(name, before, after)
    return change


def _compare_lists(name: str, before: list[Any], after: list[Any]) -> ContentChange:
    """Compare elements by their ids; without ids, all of them as a set, or else by position."""
    before_ids, after_ids = _index_by_id(before), _index_by_id(after)
    if before_ids is not None and after_ids is not None:
        keys = {**before_ids, **after_ids}
        return _compare_all((name, before_ids.get(key), after_ids.get(key)) for key in keys)
    counts = [Counter(dump_json(element, sort_names=True) for element in elements) for elements in (before, after)]
    if counts[1] <= counts[0]:
        return ContentChange.NONE if counts[0] == counts[1] else ContentChange.LOST
    if counts[0] <= counts[1]:
        return ContentChange.GAINED
    length = max(len(before), len(after))
    padded = (elements + [None] * (length - len(elements)) for elements in (before, after))
    return _compare_all((name, *pair) for pair in zip(*padded, strict=True))


def _index_by_id(elements: list[Any]) -> dict[str, Any] | None:
    """Return the elements by their `id`, or None unless each has one of its own."""
    by_id = {
        element["id"]: element
        for element in elements
        if isinstance(element, dict) and isinstance(element.get("id"), str) and element["id"]
    }
    return by_id if len(by_id) == len(elements) else None


def _has_content(value: Any) -> bool:
    """Return whether `value` holds anything but nulls and empty strings, arrays and objects."""
    match value:
        case dict():
            return any(map(_has_content, value.values()))
        case list():
            return any(map(_has_content, value))
        case _:
            return value is not None and value != ""
