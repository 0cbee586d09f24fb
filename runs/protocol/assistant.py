"""`assistant`: of what is posted only the display name is kept; a run carries nothing but the id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from runs.errors import InvalidObject
from runs.protocol import configuration, fields, lossless_json, validation_errors

OBJECT = "assistant"
LONGEST_NAME = 256  # characters, in the published protocol
Name = Annotated[str, Meta(max_length=LONGEST_NAME)]

# Only the id is required, so that a name can be posted for an assistant of which nothing else is known.
KNOWN = (
    fields.identifier("id", "external_id"),
    fields.timestamp("created_at"),
    fields.Field("name", Name | None, ("posted_name",), lambda typed, _: (_shown(typed),), lambda name: name),
    fields.Field("description", str | None),
    fields.metadata(),
)


class AssistantRecord(Struct):
    """What is kept of a posted assistant."""

    external_id: str
    posted_name: str | None


def parse(posted: Mapping[str, bytes]) -> AssistantRecord:
    """Check an assistant's posted members and take its name. Raises InvalidObject, one problem a field."""
    reading = fields.read(posted, KNOWN)
    problems = [*validation_errors.identity_problems(posted, OBJECT), *reading.problems]
    try:
        configuration.parse(posted)
    except InvalidObject as error:
        problems += error.problems
    if problems:
        raise InvalidObject(problems=problems)
    return AssistantRecord(reading.columns["external_id"], reading.columns["posted_name"])


def members(columns: Mapping[str, Any]) -> dict[str, bytes]:
    """The members that are kept; values are JSON texts."""
    return {
        "id": msgspec.json.encode(columns["external_id"]),
        "object": b'"assistant"',
        "name": msgspec.json.encode(columns["posted_name"]),
    }


def _shown(name: str) -> str | None:
    """A name as it can be shown; one of nothing but space is none."""
    return lossless_json.clean(name).strip() or None
