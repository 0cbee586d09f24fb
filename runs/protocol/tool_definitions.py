"""The tool definitions of a configuration: their names, and digests that tell versions apart."""

from __future__ import annotations

import hashlib
import uuid
from functools import lru_cache
from typing import Any

from msgspec import Struct

from runs.protocol.fields import truncate_indexed
from runs.protocol.lossless_json import (
    canonical_json,
    clean_text,
    compact_json,
    decode_json,
    split_array,
    split_object,
)

_MAX_CACHED_TOOLS_LENGTH = 32_000  # characters


class ParsedToolDefinition(Struct, frozen=True):
    """An element of `tools[]`.

    `name` is the name of a function, the label of an MCP server, else the type. `body` is the JSON as posted.
    """

    type: str
    name: str
    description: str | None
    digest: uuid.UUID
    body: str


def tool_definition_id(project_id: int, assistant_id: str, definition: ParsedToolDefinition) -> uuid.UUID:
    """Return the key under which an assistant's definition of a tool is stored."""
    seed = "\0".join((str(project_id), assistant_id, definition.type, definition.name)).encode()
    return uuid.UUID(bytes=hashlib.blake2b(seed + definition.digest.bytes, digest_size=16).digest())


def parse_tool_definitions(configuration_body: str) -> tuple[ParsedToolDefinition, ...]:
    """Return the distinct tool definitions of a stored configuration, in order."""
    tools = split_object(configuration_body.encode()).get("tools", b"null").decode()
    return _parse_tools(tools) if len(tools) > _MAX_CACHED_TOOLS_LENGTH else _parse_tools_cached(tools)


@lru_cache(maxsize=64)
def _parse_tools_cached(tools: str) -> tuple[ParsedToolDefinition, ...]:
    return _parse_tools(tools)


def _parse_tools(tools: str) -> tuple[ParsedToolDefinition, ...]:
    if tools == "null":
        return ()
    definitions = map(_parse_tool, split_array(tools.encode()))
    return tuple({definition.digest: definition for definition in definitions}.values())


def _parse_tool(raw: bytes) -> ParsedToolDefinition:
    tool: dict[str, Any] = decode_json(raw)
    function = tool.get("function")
    body: dict[str, Any] = function if isinstance(function, dict) else tool
    tool_type, description = str(tool["type"]), body.get("description")
    name = body.get("name") if tool_type == "function" else tool.get("server_label")
    return ParsedToolDefinition(
        truncate_indexed(tool_type),
        truncate_indexed(name if isinstance(name, str) else tool_type),
        clean_text(description) if isinstance(description, str) else None,
        uuid.UUID(bytes=hashlib.blake2b(canonical_json(raw), digest_size=16).digest()),
        compact_json(raw).decode(),
    )
