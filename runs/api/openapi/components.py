"""The document's schemas. Those of posted objects come from the very types that posts are checked with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import cleandoc
from types import MappingProxyType
from typing import Any

import msgspec

from runs.api.openapi import examples, usage
from runs.errors import Problem
from runs.ingest import Outcome
from runs.protocol import assistant, configuration, message, run, step
from runs.protocol.configuration import FunctionTool, Tool
from runs.protocol.fields import ProtocolField

JsonSchema = dict[str, Any]

_REF = "#/components/schemas/{name}"
_TEXT: JsonSchema = {"type": "string"}
_TEXT_OR_NULL: JsonSchema = {"type": ["string", "null"]}
_COUNT: JsonSchema = {"type": "integer", "minimum": 0}
_LIST: JsonSchema = {"const": "list"}


def schema_ref(name: str) -> JsonSchema:
    """Where the schema `name` stands."""
    return {"$ref": _REF.format(name=name)}


def build_component_schemas() -> dict[str, JsonSchema]:
    """Every schema of the document by its name."""
    posted = [
        field.type
        for field in (*run.RUN_FIELDS, *step.STEP_FIELDS, *message.MESSAGE_FIELDS, *assistant.ASSISTANT_FIELDS)
    ]
    _, found = msgspec.json.schema_components(
        [*posted, *configuration.CONFIGURATION_FIELD_TYPES.values(), FunctionTool, Tool, Problem], ref_template=_REF
    )
    nested = {name: _plain(schema) | {"additionalProperties": True} for name, schema in found.items()}
    nested["FunctionTool"]["properties"]["type"] = {"const": "function"}
    nested["Problem"]["additionalProperties"] = False
    return {
        "Run": _posted(
            "thread.run",
            "A run.",
            run.RUN_FIELDS,
            examples.RUN_FIELD_DESCRIPTIONS,
            configuration.CONFIGURATION_FIELD_TYPES,
        ),
        "Step": _posted("thread.run.step", "A step of a run.", step.STEP_FIELDS, examples.STEP_FIELD_DESCRIPTIONS),
        "Message": _posted(
            "thread.message", "A message of a thread.", message.MESSAGE_FIELDS, examples.MESSAGE_FIELD_DESCRIPTIONS
        ),
        "Assistant": _posted(
            "assistant",
            "An assistant, for its name.",
            assistant.ASSISTANT_FIELDS,
            examples.ASSISTANT_FIELD_DESCRIPTIONS,
            configuration.CONFIGURATION_FIELD_TYPES,
            kept="ignored",
        ),
        **nested,
        **_answers(),
    }


def _posted(
    constant: str,
    description: str,
    known: Sequence[ProtocolField],
    described: Mapping[str, str],
    configured: Mapping[str, Any] = MappingProxyType({}),
    kept: str = "kept as they are",
) -> JsonSchema:
    """An object as it may be posted and is read back: its known fields, and whatever else it has."""
    types = {field.name: field.type for field in known} | dict(configured)
    schemas, _ = msgspec.json.schema_components(list(types.values()), ref_template=_REF)
    found = {name: _plain(schema) for name, schema in zip(types, schemas, strict=True)}
    if "tools" in found:
        found["tools"] = {"anyOf": [{"type": "array", "items": _TOOL}, {"type": "null"}]}
    properties = {
        name: schema | ({"description": described[name]} if name in described else {}) for name, schema in found.items()
    }
    return {
        "title": constant,
        "description": f"{description} Fields that are not listed are {kept}.",
        "type": "object",
        "properties": {"id": properties.pop("id"), "object": {"const": constant}, **properties},
        "required": ["object", *(field.name for field in known if field.required)],
        "additionalProperties": True,
    }


# only a function's shape is known; every other kind of tool has but a type
_OTHER_TOOL: JsonSchema = {"allOf": [schema_ref("Tool"), {"properties": {"type": {"not": {"const": "function"}}}}]}
_TOOL: JsonSchema = {"anyOf": [schema_ref("FunctionTool"), _OTHER_TOOL]}


def _answers() -> dict[str, JsonSchema]:
    """What the endpoints answer with, apart from what was posted."""
    counts = {"received": _COUNT, **{each.value: _COUNT for each in Outcome}, "rejected": _COUNT}
    problems: JsonSchema = {"type": "array", "items": schema_ref("Problem")}
    error = _closed("", {"code": _TEXT, "message": _TEXT, "fields": problems})
    return {
        "Verdict": _closed("What became of one object.", {"id": _TEXT, "outcome": schema_ref("Outcome")}),
        "Outcome": {"description": "`stale`: it came too late to change anything.", "enum": [*Outcome]},
        "Report": _closed("What became of many objects.", {**counts, "errors": problems}),
        "EventReport": _closed(
            "What became of events.", {**counts, "ignored": _COUNT, "warnings": problems, "errors": problems}
        ),
        "Error": _closed("The one shape of all errors.", {"error": error}),
        "RunList": _closed(
            "A page of runs.",
            {
                "object": _LIST,
                "data": {"type": "array", "items": schema_ref("Run")},
                "next_cursor": _TEXT_OR_NULL | {"description": "Of the next page; null after the last one."},
            },
        ),
        "StepList": _closed(
            "A run's steps.", {"object": _LIST, "data": {"type": "array", "items": schema_ref("Step")}}
        ),
        "HistoryEntry": _closed("A post that was kept.", _HISTORY),
        **usage.schemas(),
    }


_HISTORY: dict[str, JsonSchema] = {
    "n": _COUNT | {"description": "Its place in the history."},
    "outcome": schema_ref("Outcome"),
    "received_at": {"type": "string", "format": "date-time"},
    "key": _TEXT_OR_NULL | {"description": "The name of the API key it came with; null for an import."},
    "status_before": _TEXT_OR_NULL,
    "status_after": _TEXT,
    "changed": {"type": "array", "items": _TEXT, "description": "The fields that it changed."},
    "conflict": {"type": "boolean", "description": "It contradicts how the run had ended."},
}


def _closed(description: str, properties: dict[str, JsonSchema]) -> JsonSchema:
    """An object that has all of `properties` and nothing else."""
    described = {"description": description} if description else {}
    return {
        **described,
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def _plain(schema: Any) -> Any:
    """msgspec's schema without its defaults, since an absent field stays absent, and with short unions."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return cleandoc(schema) if isinstance(schema, str) else schema
    found = {name: _plain(value) for name, value in schema.items() if name != "default" and value != []}
    match found.pop("anyOf", None):
        case None:
            return found
        case [{"type": str(kind), **rest}, {"type": "null"}]:
            return {**found, "type": [kind, "null"], **rest}
        case alternatives:
            return {**found, "anyOf": alternatives}
