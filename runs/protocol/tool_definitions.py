"""The tools of a configuration one by one: what each is called, and a hash by which versions are told apart. Pure."""

from __future__ import annotations

import hashlib
import uuid
from functools import lru_cache
from typing import Any

from msgspec import Struct

from runs.protocol import lossless_json
from runs.protocol.fields import INDEXED_LENGTH

# Texts that are remembered have so many characters at the most.
MOST_REMEMBERED = 32_000


class Definition(Struct, frozen=True):
    """One of `tools[]`. `name`: a function's, an MCP server's label, else the kind; `body` is its JSON as posted."""

    type: str
    name: str
    description: str | None
    digest: uuid.UUID
    body: str


def key(project_id: int, assistant_id: str, definition: Definition) -> uuid.UUID:
    """The id under which an assistant's definition of a tool is stored."""
    seed = "\0".join((str(project_id), assistant_id, definition.type, definition.name)).encode()
    return uuid.UUID(bytes=hashlib.blake2b(seed + definition.digest.bytes, digest_size=16).digest())


def of(configuration_body: str) -> tuple[Definition, ...]:
    """The definitions of a stored configuration, in order; equal ones once."""
    tools = lossless_json.fields(configuration_body.encode()).get("tools", b"null").decode()
    return _parsed(tools) if len(tools) > MOST_REMEMBERED else _remembered(tools)


@lru_cache(maxsize=64)
def _remembered(tools: str) -> tuple[Definition, ...]:
    return _parsed(tools)


def _parsed(tools: str) -> tuple[Definition, ...]:
    if tools == "null":
        return ()
    return tuple({made.digest: made for made in map(_definition, lossless_json.elements(tools.encode()))}.values())


def _definition(raw: bytes) -> Definition:
    tool = lossless_json.value(raw)
    function = tool.get("function")
    described = function if isinstance(function, dict) else tool
    kind, description = str(tool["type"]), described.get("description")
    return Definition(
        lossless_json.clean(kind)[:INDEXED_LENGTH],
        lossless_json.clean(_name(kind, tool, described))[:INDEXED_LENGTH],
        lossless_json.clean(description) if isinstance(description, str) else None,
        uuid.UUID(bytes=hashlib.blake2b(lossless_json.canonical(raw), digest_size=16).digest()),
        lossless_json.compact(raw).decode(),
    )


def _name(kind: str, tool: dict[str, Any], described: dict[str, Any]) -> str:
    name = described.get("name") if kind == "function" else tool.get("server_label")
    return name if isinstance(name, str) else kind
