"""Answer messages of clients: one, or a batch of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from dashboard.mcp.messages import McpError, parse_mcp_message, read_message_id
from dashboard.mcp.methods import answer_request
from dashboard.mcp.protocol_versions import NEWEST_VERSION, check_batch_version, find_protocol_version
from dashboard.mcp.tool import ToolContext
from runs.api.json_rpc_errors import JsonRpcCode, MessageId, build_json_rpc_error

MAX_BATCH_MESSAGES = 50
# HTTP statuses since revision 2026-07-28. Before, a request with an id gets 200, whatever its result.
_STATUS_CODES = {JsonRpcCode.METHOD_NOT_FOUND: 404, JsonRpcCode.INVALID_PARAMS: 400}


@dataclass(frozen=True, slots=True)
class McpAnswer:
    """The HTTP status, and the JSON-RPC response, or several of a batch. Notifications get none."""

    status: int
    content: dict[str, Any] | list[dict[str, Any]] | None = None


def answer_body(context: ToolContext, decoded: Any, headers: Mapping[str, str]) -> McpAnswer:
    """Return the answer to the decoded body of a request."""
    if not isinstance(decoded, list):
        return _answer_message(context, decoded, headers)
    try:
        check_batch_version(headers)
        _check_batch_size(decoded)
    except McpError as error:
        return build_error_answer(error)
    return _answer_batch(context, decoded, headers)


def build_error_answer(error: McpError, message_id: MessageId = None, version: str = "") -> McpAnswer:
    """Return the answer to a message that follows a revision of the protocol and failed."""
    status = error.status or (_STATUS_CODES.get(error.code, 200) if version == NEWEST_VERSION else 200)
    return McpAnswer(status, build_json_rpc_error(error.code, error.message, message_id, error.data))


def _answer_message(context: ToolContext, decoded: Any, headers: Mapping[str, str]) -> McpAnswer:
    message_id, version = read_message_id(decoded), ""
    try:
        message = parse_mcp_message(decoded)
        version = find_protocol_version(message, headers)
        if message.is_notification:
            return McpAnswer(202)
        result = answer_request(context, message, version)
    except McpError as error:
        return build_error_answer(error, message_id, version)
    return McpAnswer(200, {"jsonrpc": "2.0", "id": message_id, "result": result})


def _answer_batch(context: ToolContext, batch: list[Any], headers: Mapping[str, str]) -> McpAnswer:
    """Return the responses to the requests of a batch, in their order."""
    deadline = time.monotonic() + settings.READ_TIMEOUT_SECONDS  # which each call of a tool may take, too
    answers = list[McpAnswer]()
    for decoded in batch:
        try:
            _check_batched(decoded, deadline)
        except McpError as error:
            answers.append(build_error_answer(error, read_message_id(decoded)))
        else:
            answers.append(_answer_message(context, decoded, headers))
    responses = [answer.content for answer in answers if isinstance(answer.content, dict)]
    if not responses:
        return McpAnswer(202)
    return McpAnswer(200 if any(answer.status < 400 for answer in answers) else 400, responses)


def _check_batch_size(batch: list[Any]) -> None:
    if not 1 <= len(batch) <= MAX_BATCH_MESSAGES:
        text = f"The batch has {len(batch):,} messages; expected 1 to {MAX_BATCH_MESSAGES}"
        raise McpError(JsonRpcCode.INVALID_REQUEST, text, status=400)


def _check_batched(decoded: Any, deadline: float) -> None:
    """Raise McpError for a request that can't be answered as a part of a batch, or not any more."""
    if read_message_id(decoded) is None:
        return
    if decoded.get("method") == "initialize":
        text = "initialize must be sent in a request of its own, as no part of a batch"
        raise McpError(JsonRpcCode.INVALID_REQUEST, text, status=400)
    if time.monotonic() > deadline:
        text = "The messages before this one took too long: send it in a request of its own"
        raise McpError(JsonRpcCode.INTERNAL_ERROR, text)
