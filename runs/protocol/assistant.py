"""`assistant`: only the id and the display name of a posted assistant are stored. Runs carry nothing but the id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from runs.errors import InvalidObject
from runs.protocol.configuration import parse_configuration
from runs.protocol.fields import ProtocolField, identifier_field, metadata_field, parse_fields, timestamp_field
from runs.protocol.lossless_json import clean_text
from runs.protocol.validation_errors import check_object_type

ASSISTANT_OBJECT = "assistant"
MAX_ASSISTANT_NAME_LENGTH = 256  # characters, by OpenAI's specification
AssistantName = Annotated[str, Meta(max_length=MAX_ASSISTANT_NAME_LENGTH)]

# Only the id is required, so that a name can be posted even if nothing else is known of the assistant.
ASSISTANT_FIELDS = (
    identifier_field("id", "external_id"),
    timestamp_field("created_at"),
    ProtocolField(
        "name",
        AssistantName | None,
        ("posted_name",),
        lambda typed, _: (clean_text(typed).strip() or None,),
        lambda name: name,
    ),
    ProtocolField("description", str | None),
    metadata_field(),
)


class AssistantColumns(Struct):
    """The columns of an assistant that come from the posted object."""

    external_id: str
    posted_name: str | None


def parse_assistant(posted: Mapping[str, bytes]) -> AssistantColumns:
    """Validate an assistant's posted members and return its columns. Raises InvalidObject."""
    parsed = parse_fields(posted, ASSISTANT_FIELDS)
    problems = [*check_object_type(posted, ASSISTANT_OBJECT), *parsed.problems]
    try:
        parse_configuration(posted)
    except InvalidObject as error:
        problems += error.problems
    if problems:
        raise InvalidObject(problems=problems)
    return AssistantColumns(parsed.columns["external_id"], parsed.columns["posted_name"])


def build_assistant_members(columns: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the stored members, as JSON texts, from an assistant's columns."""
    return {
        "id": msgspec.json.encode(columns["external_id"]),
        "object": b'"assistant"',
        "name": msgspec.json.encode(columns["posted_name"]),
    }
