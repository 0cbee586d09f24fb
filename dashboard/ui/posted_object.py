"""The members of a posted object. Each one was sent with a value, sent as null, or not sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from dashboard.ui import json_view
from runs.protocol.lossless_json import JsonNumber, dump_json, to_decimal

MAX_INTEGER = 2**63  # Postgres stores no larger counts
MAX_NAME_LENGTH = 1_000  # characters; longer than any name that was meant as one


class FieldPresence(StrEnum):
    """The presence of a field. Null, absent and empty are three different things, and pages distinguish them."""

    VALUE = "value"
    NULL = "null"
    ABSENT = "not sent"
    LEFT_OUT = "left out of this link"


class PostedObject:
    """A posted object, parsed for display. Strings are cleaned for a page; numbers keep their spelling."""

    def __init__(self, members: Mapping[str, bytes], left_out: Collection[str] = ()) -> None:
        """Wrap the members of an object: names with JSON texts.

        `left_out` are the parts (`ShareLink.Part`) that the reader may not see. `members` come without them.
        """
        self.members = members
        self.left_out = frozenset(left_out)

    def presence(self, name: str) -> FieldPresence:
        """Return whether the member `name` has a value, is null, was not sent, or is left out."""
        if name in self.left_out:
            return FieldPresence.LEFT_OUT
        if name not in self.members:
            return FieldPresence.ABSENT
        return FieldPresence.NULL if self.members[name] == b"null" else FieldPresence.VALUE

    def value(self, name: str) -> Any:
        """Return the parsed value of a member, or None if it was not sent."""
        return json_view.parse_json_for_display(self.members[name]) if name in self.members else None

    def object_value(self, name: str) -> dict[str, Any]:
        """Return the value of a member that is an object, or {} if it is anything else."""
        return as_mapping(self.value(name))

    def list_value(self, name: str) -> list[Any]:
        """Return the value of a member that is an array, or [] if it is anything else."""
        value = self.value(name)
        return value if isinstance(value, list) else []


def as_mapping(value: Any) -> dict[str, Any]:
    """Return `value` if it is an object, or {}."""
    return value if isinstance(value, dict) else {}


def as_integer(value: Any) -> int | None:
    """Convert a parsed count to an integer, in whatever way it is spelled; None if it is not one, or too large."""
    number = to_decimal(value) if isinstance(value, JsonNumber) else None
    return None if number is None or abs(number) >= MAX_INTEGER else int(number)


def as_name(value: Any) -> str | None:
    """Return a value that a page shows as a name: like `as_text`, but of bounded length."""
    text = as_text(value)
    return text if text is None or len(text) <= MAX_NAME_LENGTH else text[:MAX_NAME_LENGTH] + "…"


def as_text(value: Any) -> str | None:
    """Return a string unchanged, None for null, and anything else as JSON."""
    if value is None:
        return None
    return str(value) if isinstance(value, str) else dump_json(value)
