"""What changed between two states of posted fields, each as the text that a person would compare."""

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
    """A field that is not the same. A diff is made where it is asked for: long texts take their time."""

    name: str
    before: PostedObject
    after: PostedObject

    @property
    def was(self) -> FieldPresence:
        return self.before.presence(self.name)

    @property
    def became(self) -> FieldPresence:
        return self.after.presence(self.name)

    @cached_property
    def diff(self) -> TextDiff:
        """Strings line by line as they are, anything else as JSON; nothing stands for a field that was not sent."""
        values = self.before.value(self.name), self.after.value(self.name)
        are_texts = all(value is None or _is_text(value) for value in values)
        return text_diff.diff_text(*(_written(value, are_texts) for value in values))


def diff_fields(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[FieldChange]:
    """The fields that differ, in the order of `after`; one spelled otherwise is no change."""
    sides = PostedObject(before), PostedObject(after)
    names = dict.fromkeys((*after, *before))
    return [FieldChange(name, *sides) for name in names if not _is_same(name, *sides)]


def _is_same(name: str, before: PostedObject, after: PostedObject) -> bool:
    if before.raw.get(name) == after.raw.get(name):
        return True
    if before.presence(name) is not after.presence(name):
        return False
    return is_equal_value(before.value(name), after.value(name))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, JsonNumber)


def _written(value: Any, as_text: bool) -> str:
    """The text of a value; None comes of null and of what was not sent, which is told beside the diff."""
    if value is None:
        return ""
    if as_text:
        return str(value)
    try:
        return json_view.pretty_json(value)
    except RecursionError:
        return dump_json(value)
