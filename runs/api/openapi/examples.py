"""Descriptions of the fields of posted objects, and examples of objects and responses."""

from __future__ import annotations

import json
from typing import Any

_COMMON_DESCRIPTIONS = {
    "id": "The id on the server that created the object. Posts with the same id are snapshots of the same object.",
    "created_at": "Unix time in seconds. Milliseconds, which some servers send, are recognized by their magnitude.",
    "status": "Unknown statuses are stored and shown as they are.",
    "metadata": "Any object. Some servers send an empty array instead of an empty object.",
    "usage": "Token counts, in any of the spellings that servers use.",
    "last_error": "Why the object failed. Any code is accepted.",
}
RUN_FIELD_DESCRIPTIONS = {
    **_COMMON_DESCRIPTIONS,
    "started_at": "Unix time in seconds. Servers set it again when a run continues after tool outputs.",
    "required_action": "The tool calls that the run waits for.",
    "incomplete_details": "Why the run ended early.",
    "tools": "The tools that the run can call. Unknown types of tools are stored as they are.",
    "file_ids": "Files of the run, in revision v1 of the protocol.",
}
STEP_FIELD_DESCRIPTIONS = {
    **_COMMON_DESCRIPTIONS,
    "run_id": "The id of the run, which may be posted later.",
    "step_details": "The created message or the tool calls. Unknown types are stored as they are.",
}
MESSAGE_FIELD_DESCRIPTIONS = {
    **_COMMON_DESCRIPTIONS,
    "status": "Absent in revision v1 of the protocol: then the message is complete.",
    "run_id": "The id of the run that wrote the message. Null for messages of users.",
    "content": "Parts of any type, or a string.",
}
ASSISTANT_FIELD_DESCRIPTIONS = {
    **{name: _COMMON_DESCRIPTIONS[name] for name in ("id", "created_at", "metadata")},
    "name": "The name that pages show instead of the id, unless a user has named the assistant on its page.",
}

RESPONSE_FIELD_DESCRIPTIONS = {
    **{name: _COMMON_DESCRIPTIONS[name] for name in ("id", "status", "metadata", "usage")},
    "created_at": "Unix time in seconds; some servers send fractions.",
    "output": "Items of any type. Outputs that the client gave come with the next response, or its input items.",
    "previous_response_id": "The response that this one continues, which may be posted later.",
    "conversation": "The conversation, by its id or as an object with an id.",
}

RUN_EXAMPLE: dict[str, Any] = {
    "id": "run_first",
    "object": "thread.run",
    "created_at": 1_795_000_000,
    "assistant_id": "asst_concierge",
    "thread_id": "thread_first",
    "status": "completed",
    "started_at": 1_795_000_001,
    "completed_at": 1_795_000_009,
    "last_error": None,
    "model": "gpt-4o-mini",
    "instructions": "You help people find their orders.",
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "search_orders",
                "parameters": {"type": "object", "properties": {"customer": {"type": "string"}}},
            },
        }
    ],
    "metadata": {"customer": "acme"},
    "usage": {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150},
}
STEP_EXAMPLE: dict[str, Any] = {
    "id": "step_first",
    "object": "thread.run.step",
    "created_at": 1_795_000_002,
    "run_id": "run_first",
    "assistant_id": "asst_concierge",
    "thread_id": "thread_first",
    "type": "tool_calls",
    "status": "completed",
    "completed_at": 1_795_000_004,
    "step_details": {
        "type": "tool_calls",
        "tool_calls": [
            {
                "id": "call_first",
                "type": "function",
                "function": {"name": "search_orders", "arguments": '{"customer": "acme"}', "output": "[]"},
            }
        ],
    },
    "usage": {"prompt_tokens": 60, "completion_tokens": 15, "total_tokens": 75},
}
MESSAGE_EXAMPLE: dict[str, Any] = {
    "id": "msg_first",
    "object": "thread.message",
    "created_at": 1_795_000_008,
    "thread_id": "thread_first",
    "run_id": "run_first",
    "assistant_id": "asst_concierge",
    "role": "assistant",
    "content": [{"type": "text", "text": {"value": "There are no open orders.", "annotations": []}}],
    "metadata": {},
}
ASSISTANT_EXAMPLE: dict[str, Any] = {
    "id": "asst_concierge",
    "object": "assistant",
    "created_at": 1_794_000_000,
    "name": "Concierge",
    "description": None,
    "model": "gpt-4o-mini",
    "instructions": "You help people find their orders.",
    "tools": [],
    "metadata": {},
}
RESPONSE_EXAMPLE: dict[str, Any] = {
    "id": "resp_first",
    "object": "response",
    "created_at": 1_795_000_000,
    "completed_at": 1_795_000_004,
    "status": "completed",
    "model": "gpt-5-mini",
    "previous_response_id": None,
    "output": [
        {
            "id": "msg_second",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "There are no open orders.", "annotations": []}],
        }
    ],
    "usage": {"input_tokens": 120, "output_tokens": 30, "total_tokens": 150},
    "metadata": {"agent": "concierge"},
}
CONVERSATION_EXAMPLE: dict[str, Any] = {
    "id": "conv_first",
    "object": "conversation",
    "created_at": 1_795_000_000,
    "metadata": {},
}
ITEM_PAGE_EXAMPLE: dict[str, Any] = {
    "object": "list",
    "data": [
        {
            "id": "msg_question",
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "Are there open orders?"}],
        }
    ],
    "first_id": "msg_question",
    "last_id": "msg_question",
    "has_more": False,
}
_ORIGIN_EXAMPLE = {"attributes": [{"key": "service.name", "value": {"stringValue": "concierge"}}]}
_SPAN_EXAMPLE = {
    "traceId": "5b8efff798038103d269b633813fc60c",
    "spanId": "eee19b7ec3c1b174",
    "name": "invoke_agent concierge",
    "startTimeUnixNano": "1795000000000000000",
    "endTimeUnixNano": "1795000002000000000",
    "attributes": [{"key": "gen_ai.operation.name", "value": {"stringValue": "invoke_agent"}}],
}
_LOG_EXAMPLE = {
    "traceId": _SPAN_EXAMPLE["traceId"],
    "spanId": _SPAN_EXAMPLE["spanId"],
    "eventName": "gen_ai.user.message",
    "body": {"kvlistValue": {"values": [{"key": "content", "value": {"stringValue": "Are there open orders?"}}]}},
}
# By the end of the path.
EXPORT_EXAMPLES: dict[str, dict[str, Any]] = {
    "traces": {"resourceSpans": [{"resource": _ORIGIN_EXAMPLE, "scopeSpans": [{"spans": [_SPAN_EXAMPLE]}]}]},
    "logs": {"resourceLogs": [{"resource": _ORIGIN_EXAMPLE, "scopeLogs": [{"logRecords": [_LOG_EXAMPLE]}]}]},
    "metrics": {"resourceMetrics": []},
}
AGENTS_EXPORT_EXAMPLE: dict[str, Any] = {
    "data": [{"object": "trace", "id": "trace_5b8efff798038103d269b633813fc60c", "workflow_name": "concierge"}]
}
EVENT_EXAMPLE: dict[str, Any] = {"event": "thread.run.completed", "data": RUN_EXAMPLE}
EVENT_STREAM_EXAMPLE = "".join(
    f"event: {event}\ndata: {data}\n\n"
    for event, data in [
        ("thread.run.step.completed", json.dumps(STEP_EXAMPLE)),
        ("thread.run.completed", json.dumps(RUN_EXAMPLE)),
        ("done", "[DONE]"),
    ]
)
FIELD_ERROR_EXAMPLE: dict[str, Any] = {
    "path": "/usage/total_tokens",
    "message": "expected integer or null, got string",
    "index": 0,
    "id": "run_first",
}
ERROR_EXAMPLE: dict[str, Any] = {
    "code": "invalid_object",
    "message": "The object does not follow the protocol.",
    "fields": [FIELD_ERROR_EXAMPLE],
}


def to_ndjson_line(example: dict[str, Any]) -> str:
    """Return `example` as a line of NDJSON."""
    return json.dumps(example) + "\n"
