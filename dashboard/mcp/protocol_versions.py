"""The revisions of the protocol, and which one a request follows.

Since 2026-07-28 every request names its revision, in a header and in its metadata, and the headers repeat what it asks
for. Clients of the revisions before negotiate one with `initialize`, and name it in a header since 2025-06-18.
Sources: https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning and
https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from dashboard.mcp.messages import McpError, McpMessage
from runs.api.json_rpc_errors import JsonRpcCode

NEWEST_VERSION = "2026-07-28"
# Revisions with `initialize`, the newest first.
NEGOTIATED_VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
SUPPORTED_VERSIONS = (NEWEST_VERSION, *NEGOTIATED_VERSIONS)
# What a client without the header follows, by revision 2025-06-18.
ASSUMED_VERSION = "2025-03-26"
# The only revision with batches, which servers have to take; the next one removed them. Source:
# https://modelcontextprotocol.io/specification/2025-03-26/basic/transports#sending-messages-to-the-server
BATCH_VERSION = "2025-03-26"

VERSION_META_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_META_KEY = "io.modelcontextprotocol/clientCapabilities"
_VERSION_HEADER, _METHOD_HEADER, _NAME_HEADER = "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"
_ENCODED_HEADER = re.compile(r"=\?base64\?(.*)\?=")


def find_protocol_version(message: McpMessage, headers: Mapping[str, str]) -> str:
    """Return the revision that a request follows.

    Raises:
        McpError: the revision is not supported, or headers and metadata are missing or contradict each other.
    """
    version = headers.get(_VERSION_HEADER)
    if version is None and VERSION_META_KEY not in message.meta:
        return ASSUMED_VERSION
    if version in NEGOTIATED_VERSIONS and VERSION_META_KEY not in message.meta:
        return version
    if not message.is_notification:
        _check_metadata(message, version)
        _check_headers(message, headers)
    return _check_version(version)


def check_batch_version(headers: Mapping[str, str]) -> None:
    """Check that the revision which a request follows has batches.

    Raises:
        McpError: it has none, or is not supported.
    """
    version = _check_version(headers.get(_VERSION_HEADER, ASSUMED_VERSION))
    if version != BATCH_VERSION:
        text = f"Revision {version} of the protocol has no batches: send each message in a request of its own"
        raise McpError(JsonRpcCode.INVALID_REQUEST, text, status=400)


def negotiate_version(requested: object) -> str:
    """Return the revision to offer to a client that asks for one with `initialize`."""
    return requested if isinstance(requested, str) and requested in NEGOTIATED_VERSIONS else NEGOTIATED_VERSIONS[0]


def _check_version(version: str | None) -> str:
    if version not in SUPPORTED_VERSIONS:
        data = {"supported": list(SUPPORTED_VERSIONS), "requested": version}
        text = f"Unsupported protocol version '{version}'; expected one of {', '.join(SUPPORTED_VERSIONS)}"
        raise McpError(JsonRpcCode.UNSUPPORTED_PROTOCOL_VERSION, text, data=data, status=400)
    return version


def _check_metadata(message: McpMessage, version: str | None) -> None:
    """Check that the metadata names the revision, like the header, and the capabilities of the client."""
    if version is not None and version not in SUPPORTED_VERSIONS and VERSION_META_KEY not in message.meta:
        return  # the revision is unknown, and so is how its requests name it
    missing = [key for key in (VERSION_META_KEY, CAPABILITIES_META_KEY) if key not in message.meta]
    if missing:
        text = f"params._meta lacks {' and '.join(missing)}, which revision {version or NEWEST_VERSION} requires"
        raise McpError(JsonRpcCode.INVALID_PARAMS, text, status=400)


def _check_headers(message: McpMessage, headers: Mapping[str, str]) -> None:
    """Check that the headers repeat what the message says, which proxies rely on."""
    expected = {_VERSION_HEADER: message.meta.get(VERSION_META_KEY, headers.get(_VERSION_HEADER))}
    if expected[_VERSION_HEADER] == NEWEST_VERSION:
        expected[_METHOD_HEADER] = message.method
        if message.method == "tools/call":
            expected[_NAME_HEADER] = message.params.get("name")
    for header, value in expected.items():
        found = _decode_header(headers.get(header))
        if found != value:
            is_missing = "is missing" if headers.get(header) is None else f"is '{headers[header][:100]}'"
            text = f"Header mismatch: {header} {is_missing}, but the body has '{str(value)[:100]}'"
            raise McpError(JsonRpcCode.HEADER_MISMATCH, text, status=400)


def _decode_header(value: str | None) -> str | None:
    """Return the value of a header, which is Base64 if it has other characters than ASCII; None if that is broken."""
    encoded = _ENCODED_HEADER.fullmatch(value or "")
    if encoded is None:
        return value
    try:
        return base64.b64decode(encoded[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
