"""What the document says about the fields of posted objects, and an example of each object."""

from __future__ import annotations

import json
from typing import Any

_COMMON = {
    "id": "What the server called it. Known by this, it may be posted any number of times.",
    "created_at": "Unix seconds. Milliseconds, as some servers send them, are told by their size.",
    "status": "Unknown statuses are stored and shown as they are.",
    "metadata": "An object of your own. Some servers send an empty array for none.",
    "usage": "Token counts, under any of the spellings that servers use.",
    "last_error": "Why it failed; codes are free text.",
}
RUN_FIELD_DESCRIPTIONS = {
    **_COMMON,
    "started_at": "Unix seconds. It moves forward when a run goes on after tool outputs.",
    "required_action": "What the run waits for.",
    "incomplete_details": "Why it ended early.",
    "tools": "What it could call. Kinds of other vendors are kept as they are.",
    "file_ids": "The older revision's files.",
}
STEP_FIELD_DESCRIPTIONS = {
    **_COMMON,
    "run_id": "The run it belongs to, which may come later.",
    "step_details": "The message that was made, or the calls. Kinds of other vendors are kept as they are.",
}
MESSAGE_FIELD_DESCRIPTIONS = {
    **_COMMON,
    "status": "Absent in the older revision: complete.",
    "run_id": "The run that wrote it; null for a message of a user.",
    "content": "Parts of any kind, or a plain text.",
}

ASSISTANT_FIELD_DESCRIPTIONS = {
    **{name: _COMMON[name] for name in ("id", "created_at", "metadata")},
    "name": "What is shown in place of the id, unless a person named the assistant on its page.",
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
EVENT_EXAMPLE: dict[str, Any] = {"event": "thread.run.completed", "data": RUN_EXAMPLE}
STREAM_EXAMPLE = "".join(
    f"event: {event}\ndata: {data}\n\n"
    for event, data in [
        ("thread.run.step.completed", json.dumps(STEP_EXAMPLE)),
        ("thread.run.completed", json.dumps(RUN_EXAMPLE)),
        ("done", "[DONE]"),
    ]
)
HISTORY_EXAMPLE: dict[str, Any] = {
    "n": 1,
    "outcome": "updated",
    "received_at": "2026-11-18T10:13:30.125000Z",
    "key": "nightly export",
    "status_before": "in_progress",
    "status_after": "completed",
    "changed": ["status", "completed_at", "usage"],
    "conflict": False,
}
PROBLEM_EXAMPLE: dict[str, Any] = {
    "path": "/usage/total_tokens",
    "message": "expected integer or null, got string",
    "index": 0,
    "id": "run_first",
}
ERROR_EXAMPLE: dict[str, Any] = {
    "code": "invalid_object",
    "message": "The object does not follow the protocol.",
    "fields": [PROBLEM_EXAMPLE],
}


def to_ndjson_line(example: dict[str, Any]) -> str:
    """An object as a line of NDJSON."""
    return json.dumps(example) + "\n"
