"""The tools of a configuration one by one: what each is called, and a hash by which versions are told apart. Pure."""

from __future__ import annotations

import hashlib
import uuid
from functools import lru_cache
from typing import Any

from msgspec import Struct

from runs.protocol import lossless_json
from runs.protocol.fields import MAX_INDEXED_LENGTH

# Texts that are remembered have so many characters at the most.
_MAX_CACHED_TOOLS_LENGTH = 32_000


class ParsedToolDefinition(Struct, frozen=True):
    """One of `tools[]`. `name`: a function's, an MCP server's label, else the kind; `body` is its JSON as posted."""

    type: str
    name: str
    description: str | None
    digest: uuid.UUID
    body: str


def tool_definition_id(project_id: int, assistant_id: str, definition: ParsedToolDefinition) -> uuid.UUID:
    """The id under which an assistant's definition of a tool is stored."""
    seed = "\0".join((str(project_id), assistant_id, definition.type, definition.name)).encode()
    return uuid.UUID(bytes=hashlib.blake2b(seed + definition.digest.bytes, digest_size=16).digest())


def parse_tool_definitions(configuration_body: str) -> tuple[ParsedToolDefinition, ...]:
    """The definitions of a stored configuration, in order; equal ones once."""
    tools = lossless_json.split_object(configuration_body.encode()).get("tools", b"null").decode()
    return _parse_tools(tools) if len(tools) > _MAX_CACHED_TOOLS_LENGTH else _parse_tools_cached(tools)


@lru_cache(maxsize=64)
def _parse_tools_cached(tools: str) -> tuple[ParsedToolDefinition, ...]:
    return _parse_tools(tools)


def _parse_tools(tools: str) -> tuple[ParsedToolDefinition, ...]:
    if tools == "null":
        return ()
    return tuple({made.digest: made for made in map(_parse_tool, lossless_json.split_array(tools.encode()))}.values())


def _parse_tool(raw: bytes) -> ParsedToolDefinition:
    tool = lossless_json.decode_json(raw)
    function = tool.get("function")
    described = function if isinstance(function, dict) else tool
    kind, description = str(tool["type"]), described.get("description")
    return ParsedToolDefinition(
        lossless_json.clean_text(kind)[:MAX_INDEXED_LENGTH],
        lossless_json.clean_text(_tool_name(kind, tool, described))[:MAX_INDEXED_LENGTH],
        lossless_json.clean_text(description) if isinstance(description, str) else None,
        uuid.UUID(bytes=hashlib.blake2b(lossless_json.canonical_json(raw), digest_size=16).digest()),
        lossless_json.compact_json(raw).decode(),
    )


def _tool_name(kind: str, tool: dict[str, Any], described: dict[str, Any]) -> str:
    name = described.get("name") if kind == "function" else tool.get("server_label")
    return name if isinstance(name, str) else kind
