"""JSON schemas of the OpenAPI document, generated from types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import cleandoc
from types import MappingProxyType
from typing import Any

import msgspec

from runs.api.openapi.examples import (
    ASSISTANT_FIELD_DESCRIPTIONS,
    MESSAGE_FIELD_DESCRIPTIONS,
    RESPONSE_FIELD_DESCRIPTIONS,
    RUN_FIELD_DESCRIPTIONS,
    STEP_FIELD_DESCRIPTIONS,
)
from runs.protocol.assistant import ASSISTANT_FIELDS, ASSISTANT_OBJECT
from runs.protocol.configuration import CONFIGURATION_FIELD_TYPES, FunctionTool, Tool
from runs.protocol.fields import ProtocolField
from runs.protocol.message import MESSAGE_FIELDS, MESSAGE_OBJECT
from runs.protocol.responses.response import RESPONSE_FIELDS, RESPONSE_OBJECT
from runs.protocol.run import RUN_FIELDS, RUN_OBJECT
from runs.protocol.step import STEP_FIELDS, STEP_OBJECT

JsonSchema = dict[str, Any]

_REF_TEMPLATE = "#/components/schemas/{name}"


def schema_ref(name: str | type) -> JsonSchema:
    """Return a reference to the schema of a type, or to the schema called `name`."""
    return {"$ref": _REF_TEMPLATE.format(name=name if isinstance(name, str) else name.__name__)}


def build_response_schemas(response_type: type[msgspec.Struct]) -> dict[str, JsonSchema]:
    """Return the schemas of a response type and of all types in it, by name."""
    _, components = msgspec.json.schema_components([response_type], ref_template=_REF_TEMPLATE)
    schemas = {name: _simplify(schema) for name, schema in components.items()}
    for schema in schemas.values():
        if schema.get("type") == "object":
            schema["additionalProperties"] = False  # dataclasses allow others
    return schemas


def build_posted_schemas() -> dict[str, JsonSchema]:
    """Return the schemas of posted objects and of the objects in them, by name."""
    fields = (*RUN_FIELDS, *STEP_FIELDS, *MESSAGE_FIELDS, *ASSISTANT_FIELDS, *RESPONSE_FIELDS)
    field_types = [field.type for field in fields]
    types = [*field_types, *CONFIGURATION_FIELD_TYPES.values(), FunctionTool, Tool]
    _, components = msgspec.json.schema_components(types, ref_template=_REF_TEMPLATE)
    nested = {name: _simplify(schema) | {"additionalProperties": True} for name, schema in components.items()}
    nested["FunctionTool"]["properties"]["type"] = {"const": "function"}
    return {
        "Run": _build_posted_schema(
            RUN_OBJECT, "A run.", RUN_FIELDS, RUN_FIELD_DESCRIPTIONS, CONFIGURATION_FIELD_TYPES
        ),
        "Step": _build_posted_schema(STEP_OBJECT, "A step of a run.", STEP_FIELDS, STEP_FIELD_DESCRIPTIONS),
        "Message": _build_posted_schema(
            MESSAGE_OBJECT, "A message of a thread.", MESSAGE_FIELDS, MESSAGE_FIELD_DESCRIPTIONS
        ),
        "Assistant": _build_posted_schema(
            ASSISTANT_OBJECT,
            "An assistant, of which only the name is stored.",
            ASSISTANT_FIELDS,
            ASSISTANT_FIELD_DESCRIPTIONS,
            CONFIGURATION_FIELD_TYPES,
            other_fields="Other fields are ignored.",
        ),
        "Response": _build_posted_schema(
            RESPONSE_OBJECT, "A response of the Responses API.", RESPONSE_FIELDS, RESPONSE_FIELD_DESCRIPTIONS
        ),
        **nested,
    }


def _build_posted_schema(
    object_type: str,
    description: str,
    fields: Sequence[ProtocolField],
    field_descriptions: Mapping[str, str],
    configuration_types: Mapping[str, Any] = MappingProxyType({}),
    other_fields: str = "Other fields are stored as they are.",
) -> JsonSchema:
    """Return the schema of an object as it may be posted: with its known fields and any others."""
    types = {field.name: field.type for field in fields} | dict(configuration_types)
    schemas, _ = msgspec.json.schema_components(list(types.values()), ref_template=_REF_TEMPLATE)
    properties = {name: _simplify(schema) for name, schema in zip(types, schemas, strict=True)}
    if "tools" in configuration_types:
        properties["tools"] = {"anyOf": [{"type": "array", "items": _TOOL_SCHEMA}, {"type": "null"}]}
    for name, field_description in field_descriptions.items():
        if name in properties:
            properties[name] |= {"description": field_description}
    return {
        "title": object_type,
        "description": f"{description} {other_fields}",
        "type": "object",
        "properties": {"id": properties.pop("id"), "object": {"enum": [object_type, ""]}, **properties},
        "required": ["object", *(field.name for field in fields if field.required)],
        "additionalProperties": True,
    }


# Only function tools have a known form. All other tools merely have a type.
_OTHER_TOOL_SCHEMA: JsonSchema = {"allOf": [schema_ref(Tool), {"properties": {"type": {"not": {"const": "function"}}}}]}
_TOOL_SCHEMA: JsonSchema = {"anyOf": [schema_ref(FunctionTool), _OTHER_TOOL_SCHEMA]}


def _simplify(schema: Any) -> Any:
    """Return a schema of msgspec without defaults, since absent fields stay absent, and with short unions."""
    if isinstance(schema, list):
        return [_simplify(item) for item in schema]
    if not isinstance(schema, dict):
        return cleandoc(schema) if isinstance(schema, str) else schema
    simplified = {name: _simplify(value) for name, value in schema.items() if name != "default" and value != []}
    match simplified.pop("anyOf", None):
        case None:
            return simplified
        case [{"type": str(type_name), **rest}, {"type": "null"}]:
            return {**simplified, "type": [type_name, "null"], **rest}
        case alternatives:
            return {**simplified, "anyOf": alternatives}
