"""The configuration of a run: the fields that hundreds of runs share, such as model, instructions and tools."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from runs.errors import InvalidObject, Problem
from runs.protocol import lossless_json
from runs.protocol.fields import Bigint, truncate_indexed
from runs.protocol.validation_errors import problem_from_validation_error

# Azure's types of tools, from the enum of azure-ai-agents 1.1.0 and the 1.2 betas.
AZURE_TOOL_TYPES = frozenset(
    {
        "azure_ai_search",
        "azure_function",
        "bing_custom_search",
        "bing_grounding",
        "browser_automation",
        "computer_use_preview",
        "connected_agent",
        "deep_research",
        "fabric_dataagent",
        "mcp",
        "openapi",
        "sharepoint_grounding",
    }
)

# A cache of a thousand of the longest would otherwise take hundreds of megabytes in each process.
MAX_CACHED_CONFIGURATION_BYTES = 32_000


class Function(Struct):
    """`tools[].function`; `parameters` is a JSON Schema of any depth."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | bool | None = None
    strict: bool | None = None


class Tool(Struct):
    """An element of `tools[]`. Vendors add types of their own, so only the type is validated."""

    type: str


class FunctionTool(Tool):
    """A tool of type function."""

    function: Function


class Truncation(Struct):
    """`truncation_strategy`."""

    type: str
    last_messages: Bigint | None = None


# In the order of OpenAI's specification.
CONFIGURATION_FIELD_TYPES: dict[str, Any] = {
    "model": str | None,
    "instructions": str | None,
    "tools": list[dict[str, Any]] | None,
    "file_ids": list[str] | None,
    "tool_resources": dict[str, Any] | None,
    "temperature": float | None,
    "top_p": float | None,
    "max_prompt_tokens": Bigint | None,
    "max_completion_tokens": Bigint | None,
    "truncation_strategy": Truncation | None,
    "tool_choice": str | dict[str, Any] | None,
    "parallel_tool_calls": bool | None,
    "response_format": str | dict[str, Any] | None,
    "reasoning_effort": str | None,
    # Not of the specification: the version that a server of agents keeps a configuration under.
    "agent_version": Any,
}

lossless_json.inspect_types(Tool, FunctionTool, *CONFIGURATION_FIELD_TYPES.values())


class ParsedConfiguration(Struct, frozen=True):
    """A valid configuration, ready to be stored.

    `body` is its JSON as posted, without whitespace. `digest` is a hash, equal for equal content.
    """

    digest: bytes
    body: str
    model: str | None
    instructions: str | None
    tool_types: tuple[str, ...]
    function_names: tuple[str, ...]


def parse_configuration(posted: Mapping[str, bytes]) -> ParsedConfiguration:
    """Parse the configuration fields among a run's members. Raises InvalidObject with a problem for each field."""
    members = tuple((name, posted[name]) for name in CONFIGURATION_FIELD_TYPES if name in posted)
    if sum(len(raw) for _, raw in members) > MAX_CACHED_CONFIGURATION_BYTES:
        return _parse_members(members)
    return _parse_members_cached(members)


@lru_cache(maxsize=1024)
def _parse_members_cached(members: tuple[tuple[str, bytes], ...]) -> ParsedConfiguration:
    return _parse_members(members)


def _parse_members(members: tuple[tuple[str, bytes], ...]) -> ParsedConfiguration:
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, raw in members:
        values[name] = lossless_json.decode_json(raw)
        problems += _validate_field(name, raw, values[name])
    if problems:
        raise InvalidObject(problems=problems)
    body = lossless_json.join_members({name: lossless_json.compact_json(raw) for name, raw in members})
    model, instructions, tools = values.get("model"), values.get("instructions"), values.get("tools") or []
    return ParsedConfiguration(
        digest=hashlib.blake2b(lossless_json.canonical_json(body), digest_size=16).digest(),
        body=body.decode(),
        model=truncate_indexed(model) if model else None,
        instructions=None if instructions is None else lossless_json.clean_text(instructions),
        tool_types=tuple(dict.fromkeys(truncate_indexed(tool["type"]) for tool in tools if tool["type"])),
        function_names=tuple(
            truncate_indexed(name)
            for tool in tools
            if tool["type"] == "function" and (name := tool["function"]["name"])
        ),
    )


def _validate_field(name: str, raw: bytes, value: Any) -> list[Problem]:
    try:
        lossless_json.convert_posted_json(raw, value, CONFIGURATION_FIELD_TYPES[name])
    except msgspec.ValidationError as error:
        return [problem_from_validation_error(name, value, error)]
    problems = []
    if name == "tools" and value is not None:
        for index, tool in enumerate(value):
            try:
                lossless_json.convert_json(tool, FunctionTool if tool.get("type") == "function" else Tool)
            except msgspec.ValidationError as error:
                problems.append(problem_from_validation_error(f"tools/{index}", tool, error))
    return problems
