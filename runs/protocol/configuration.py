"""What a run was configured with: the part of a run that hundreds of runs have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from runs.errors import InvalidObject, Problem
from runs.protocol import lossless_json
from runs.protocol.fields import MAX_INDEXED_LENGTH, Bigint
from runs.protocol.validation_errors import problem_from_validation_error

# Azure's kinds of tools, from the enum of azure-ai-agents 1.1.0 and the 1.2 betas.
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


# Bytes; a thousand of the longest would otherwise take hundreds of megabytes in each process.
MAX_CACHED_CONFIGURATION_BYTES = 32_000


class Function(Struct):
    """`tools[].function`; `parameters` is a JSON Schema of any depth."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | bool | None = None
    strict: bool | None = None


class Tool(Struct):
    """One of `tools[]`. Vendors add kinds of their own, so only what is common is checked."""

    type: str


class FunctionTool(Tool):
    """A tool of type function."""

    function: Function


class Truncation(Struct):
    """`truncation_strategy`."""

    type: str
    last_messages: Bigint | None = None


# In the order in which the specification lists them.
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
}


class ParsedConfiguration(Struct, frozen=True):
    """A configuration that follows the protocol, ready to be stored.

    `body` is its JSON text as posted (compact), `digest` a hash that is the same for equal contents.
    """

    digest: bytes
    body: str
    model: str | None
    instructions: str | None
    tool_types: tuple[str, ...]
    function_names: tuple[str, ...]


def parse_configuration(posted: Mapping[str, bytes]) -> ParsedConfiguration:
    """The configuration among a run's posted members. Raises InvalidObject with one problem a field."""
    members = tuple((name, posted[name]) for name in CONFIGURATION_FIELD_TYPES if name in posted)
    if sum(len(raw) for _, raw in members) > MAX_CACHED_CONFIGURATION_BYTES:
        return _parse_members(members)
    return _parse_cached(members)


@lru_cache(maxsize=1024)
def _parse_cached(members: tuple[tuple[str, bytes], ...]) -> ParsedConfiguration:
    return _parse_members(members)


def _parse_members(members: tuple[tuple[str, bytes], ...]) -> ParsedConfiguration:
    values, problems = {}, []
    for name, raw in members:
        values[name] = lossless_json.decode_json(raw)
        problems += _find_problems(name, values[name])
    if problems:
        raise InvalidObject(problems=problems)
    compacted = {name: lossless_json.compact_json(raw) for name, raw in members}
    tools = values.get("tools") or []
    return ParsedConfiguration(
        digest=hashlib.blake2b(
            lossless_json.canonical_json(lossless_json.join_members(compacted)), digest_size=16
        ).digest(),
        body=lossless_json.join_members(compacted).decode(),
        model=_truncate_text(values.get("model"), MAX_INDEXED_LENGTH),
        instructions=_truncate_text(values.get("instructions")),
        tool_types=tuple(dict.fromkeys(lossless_json.clean_text(tool["type"])[:MAX_INDEXED_LENGTH] for tool in tools)),
        function_names=tuple(
            lossless_json.clean_text(tool["function"]["name"])[:MAX_INDEXED_LENGTH]
            for tool in tools
            if tool["type"] == "function"
        ),
    )


def _find_problems(name: str, value: Any) -> list[Problem]:
    try:
        lossless_json.convert_json(value, CONFIGURATION_FIELD_TYPES[name])
    except msgspec.ValidationError as error:
        return [problem_from_validation_error(name, error)]
    if name != "tools" or value is None:
        return []
    return [found for index, tool in enumerate(value) for found in _find_tool_problems(index, tool)]


def _find_tool_problems(index: int, tool: dict[str, Any]) -> list[Problem]:
    try:
        lossless_json.convert_json(tool, FunctionTool if tool.get("type") == "function" else Tool)
    except msgspec.ValidationError as error:
        return [problem_from_validation_error(f"tools/{index}", error)]
    return []


def _truncate_text(value: str | None, limit: int | None = None) -> str | None:
    return None if value is None else lossless_json.clean_text(value)[:limit]
