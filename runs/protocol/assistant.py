"""`assistant`: of what is posted only the display name is kept; a run carries nothing but the id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from runs.errors import InvalidObject
from runs.protocol import configuration, fields, lossless_json, validation_errors

ASSISTANT_OBJECT = "assistant"
MAX_ASSISTANT_NAME_LENGTH = 256  # characters, in the published protocol
AssistantName = Annotated[str, Meta(max_length=MAX_ASSISTANT_NAME_LENGTH)]

# Only the id is required, so that a name can be posted for an assistant of which nothing else is known.
ASSISTANT_FIELDS = (
    fields.identifier_field("id", "external_id"),
    fields.timestamp_field("created_at"),
    fields.ProtocolField(
        "name", AssistantName | None, ("posted_name",), lambda typed, _: (_displayable_name(typed),), lambda name: name
    ),
    fields.ProtocolField("description", str | None),
    fields.metadata_field(),
)


class AssistantColumns(Struct):
    """What is kept of a posted assistant."""

    external_id: str
    posted_name: str | None


def parse_assistant(posted: Mapping[str, bytes]) -> AssistantColumns:
    """Check an assistant's posted members and take its name. Raises InvalidObject, one problem a field."""
    reading = fields.parse_fields(posted, ASSISTANT_FIELDS)
    problems = [*validation_errors.check_object_type(posted, ASSISTANT_OBJECT), *reading.problems]
    try:
        configuration.parse_configuration(posted)
    except InvalidObject as error:
        problems += error.problems
    if problems:
        raise InvalidObject(problems=problems)
    return AssistantColumns(reading.columns["external_id"], reading.columns["posted_name"])


def build_assistant_members(columns: Mapping[str, Any]) -> dict[str, bytes]:
    """The members that are kept; values are JSON texts."""
    return {
        "id": msgspec.json.encode(columns["external_id"]),
        "object": b'"assistant"',
        "name": msgspec.json.encode(columns["posted_name"]),
    }


def _displayable_name(name: str) -> str | None:
    """A name as it can be shown; one of nothing but space is none."""
    return lossless_json.clean_text(name).strip() or None
