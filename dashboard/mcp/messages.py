"""Parse the JSON-RPC messages of clients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from runs.api.json_rpc_errors import JsonRpcCode, MessageId

_NO_OBJECT = "Expected one JSON-RPC message, which is an object"


class McpError(Exception):
    """A message gets an error of the protocol in place of a result.

    `status` is the HTTP status of the response, None for the one that the revision of the protocol prescribes.
    """

    def __init__(self, code: JsonRpcCode, message: str, *, data: Any = None, status: int | None = None) -> None:
        """Set the members of the error."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
        self.status = status


@dataclass(frozen=True, slots=True)
class McpMessage:
    """A request, or a notification, which gets no result."""

    method: str
    params: dict[str, Any] = field(default_factory=dict)
    id: MessageId = None

    @property
    def is_notification(self) -> bool:
        """Return whether the client expects no result."""
        return self.id is None

    @property
    def meta(self) -> dict[str, Any]:
        """The metadata of the request."""
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}


def decode_body(body: bytes) -> dict[str, Any] | list[Any]:
    """Return the JSON object of a body, which is a message, or the array, which is a batch of them.

    Raises:
        McpError: the body is neither.
    """
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise McpError(JsonRpcCode.PARSE_ERROR, f"The body is not valid JSON: {error}", status=400) from error
    if not isinstance(decoded, dict | list):
        raise McpError(JsonRpcCode.INVALID_REQUEST, _NO_OBJECT, status=400)
    return decoded


def read_message_id(decoded: Any) -> MessageId:
    """Return the id of a message; None if it has none, or one that is not valid."""
    message_id = decoded.get("id") if isinstance(decoded, dict) else None
    return message_id if isinstance(message_id, str | int) and not isinstance(message_id, bool) else None


def parse_mcp_message(decoded: Any) -> McpMessage:
    """Return the message that was decoded.

    Raises:
        McpError: it is neither a request nor a notification.
    """
    if not isinstance(decoded, dict):
        raise McpError(JsonRpcCode.INVALID_REQUEST, _NO_OBJECT, status=400)
    method, params = decoded.get("method"), decoded.get("params", {})
    problems = {
        "jsonrpc: expected '2.0'": decoded.get("jsonrpc") != "2.0",
        "method: expected a string": not isinstance(method, str),
        "params: expected an object": not isinstance(params, dict),
        "id: expected a string or an integer": "id" in decoded and read_message_id(decoded) is None,
    }
    if found := [problem for problem, is_found in problems.items() if is_found]:
        hint = "; this server sends no requests, so it expects no responses" if "method" not in decoded else ""
        raise McpError(JsonRpcCode.INVALID_REQUEST, "; ".join(found) + hint, status=400)
    return McpMessage(str(method), params, read_message_id(decoded))
