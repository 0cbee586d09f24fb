"""The fields that differ between two states of an object, each with a text diff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dashboard.ui import json_view, text_diff
from dashboard.ui.posted_object import FieldPresence, PostedObject
from dashboard.ui.text_diff import TextDiff
from runs.protocol.lossless_json import JsonNumber, dump_json, is_equal_value


@dataclass(frozen=True)
class FieldChange:
    """A field that differs. The diff is computed on first access, since long texts take time."""

    name: str
    before: PostedObject
    after: PostedObject

    @property
    def presence_before(self) -> FieldPresence:
        """Return whether the field had a value before."""
        return self.before.presence(self.name)

    @property
    def presence_after(self) -> FieldPresence:
        """Return whether the field has a value after."""
        return self.after.presence(self.name)

    @cached_property
    def diff(self) -> TextDiff:
        """Strings compared line by line, anything else as JSON. A missing field counts as an empty text."""
        values = self.before.value(self.name), self.after.value(self.name)
        are_texts = all(
            value is None or (isinstance(value, str) and not isinstance(value, JsonNumber)) for value in values
        )
        return text_diff.diff_text(*(_format_value(value, as_text=are_texts) for value in values))


def diff_fields(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[FieldChange]:
    """Return the fields that differ, in the order of `after`.

    Both arguments map the names of members to JSON texts. Different spellings of the same value are equal.
    """
    sides = PostedObject(before), PostedObject(after)
    names = dict.fromkeys((*after, *before))
    return [FieldChange(name, *sides) for name in names if not _is_equal(name, *sides)]


def _is_equal(name: str, before: PostedObject, after: PostedObject) -> bool:
    if before.members.get(name) == after.members.get(name):
        return True
    if before.presence(name) is not after.presence(name):
        return False
    return is_equal_value(before.value(name), after.value(name))


def _format_value(value: Any, *, as_text: bool) -> str:
    """Return the text to compare. None stands for null and for a missing field, which the page names separately."""
    if value is None:
        return ""
    if as_text:
        return str(value)
    try:
        return json_view.pretty_json(value)
    except RecursionError:
        return dump_json(value)
