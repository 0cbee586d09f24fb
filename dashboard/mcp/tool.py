"""Define a tool: its name, its arguments, and the function that answers a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from dashboard.mcp.page_links import PageLinks
from runs.models import Project
from runs.protocol.lossless_json import inspect_types

DEFAULT_MAX_TOKENS = 8_000
JsonSchema = dict[str, Any]
Arguments = TypeVar("Arguments", bound=Struct)

# The members that every answer has beside those of its tool.
_COMMON_MEMBERS: Mapping[str, JsonSchema] = {
    "project": {"type": "string"},
    "notice": {"type": "string", "description": "How recorded content is marked."},
    "budget": {
        "type": "object",
        "properties": {"max_tokens": {"type": "integer"}, "estimated_tokens": {"type": "integer"}},
    },
    "cut": {"type": "array", "items": {"type": "string"}, "description": "What was left out of this answer."},
}


@dataclass(frozen=True, slots=True)
class ToolContext:
    """The context of a call: the project of the API key, now, with links for people."""

    project: Project
    now: datetime
    links: PageLinks


@dataclass(frozen=True, slots=True)
class McpTool:
    """A tool that reads.

    Attributes:
        name: the name in the protocol.
        title: the name for people.
        description: what it does and when to use it, for a language model.
        arguments: the type of the arguments, which rejects unknown ones.
        answer: returns the answer of a call; raises RunglassError.
        output: JSON Schemas of the members of the answer.
    """

    name: str
    title: str
    description: str
    arguments: type[Struct]
    answer: Callable[[ToolContext, Any], dict[str, Any]]
    output: Mapping[str, JsonSchema] = field(default_factory=dict)

    def __post_init__(self) -> None:
        inspect_types(self.arguments)


def describe_tool(tool: McpTool) -> dict[str, Any]:
    """Return a tool as `tools/list` has it."""
    members = {**_COMMON_MEMBERS, **tool.output}
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": _build_input_schema(tool.arguments),
        "outputSchema": {"type": "object", "properties": members, "required": ["project", "cut", *tool.output]},
        "annotations": {
            "title": tool.title,
            "readOnlyHint": True,
            "destructiveHint": False,
            "idempotentHint": True,
            "openWorldHint": False,
        },
    }


def list_of_objects(description: str) -> JsonSchema:
    """Return the JSON Schema of an array of objects."""
    return {"type": "array", "items": {"type": "object"}, "description": description}


def nullable(json_type: str, description: str = "") -> JsonSchema:
    """Return the JSON Schema of a value or null, in the form that all clients understand."""
    schema: JsonSchema = {"anyOf": [{"type": json_type}, {"type": "null"}]}
    return schema | ({"description": description} if description else {})


def _build_input_schema(arguments: type[Struct]) -> JsonSchema:
    (_,), components = msgspec.json.schema_components([arguments])
    schema: JsonSchema = components[arguments.__name__]
    return {name: value for name, value in schema.items() if name not in ("title", "description")}
