"""The members of a posted object, told apart by whether they were sent, null, or have a value."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from dashboard.ui import json_view
from runs.protocol.lossless_json import dump_json


class FieldPresence(StrEnum):
    """Null, absent and empty are three things, and shown as such."""

    VALUE = "value"
    NULL = "null"
    ABSENT = "not sent"


class PostedObject:
    """A posted object for display. Strings are fit for a page, numbers are as they were written."""

    def __init__(self, members: Mapping[str, bytes]) -> None:
        self.raw = members

    def presence(self, name: str) -> FieldPresence:
        if name not in self.raw:
            return FieldPresence.ABSENT
        return FieldPresence.NULL if self.raw[name] == b"null" else FieldPresence.VALUE

    def value(self, name: str) -> Any:
        """The value of a member; None also where it was not sent."""
        return json_view.parse_json_for_display(self.raw[name]) if name in self.raw else None

    def mapping(self, name: str) -> dict[str, Any]:
        """The value of a member that is an object; empty where it is anything else."""
        return as_mapping(self.value(name))

    def items(self, name: str) -> list[Any]:
        """The value of a member that is an array; empty where it is anything else."""
        value = self.value(name)
        return value if isinstance(value, list) else []


def as_mapping(value: Any) -> dict[str, Any]:
    """`value` where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_integer(value: Any) -> int | None:
    """A count, which is an integer of whatever size in every stored object."""
    return None if value is None else int(value)


def as_text(value: Any) -> str | None:
    """`value` in words: strings as they are, None for null, anything else as JSON."""
    if value is None:
        return None
    return str(value) if isinstance(value, str) else dump_json(value)
