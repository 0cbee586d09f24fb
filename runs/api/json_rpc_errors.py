"""Errors in the form of JSON-RPC 2.0, for clients of the Model Context Protocol.

Source: https://www.jsonrpc.org/specification#error_object and revision 2026-07-28 of the Model Context Protocol, which
adds the codes from -32020 on.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from django.http import JsonResponse

MCP_PATH = "/mcp"
MessageId = str | int | None


class JsonRpcCode(IntEnum):
    """The code of an error."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    HEADER_MISMATCH = -32020
    UNSUPPORTED_PROTOCOL_VERSION = -32022


def build_json_rpc_error(
    code: JsonRpcCode, message: str, message_id: MessageId = None, data: Any = None
) -> dict[str, Any]:
    """Return the error response to the message with the id `message_id`, None if the id is not known."""
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return {"jsonrpc": "2.0", "id": message_id, "error": error}


def rejection_response(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JsonResponse:
    """Return the error for a request that is rejected with an HTTP status; `code` is the one of the REST API."""
    json_rpc_code = JsonRpcCode.INTERNAL_ERROR if status >= 500 else JsonRpcCode.INVALID_REQUEST
    error = build_json_rpc_error(json_rpc_code, message, data={"code": code})
    return JsonResponse(error, status=status, headers=headers)
