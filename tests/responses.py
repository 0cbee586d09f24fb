"""Build responses of the Responses API, and post them."""

from __future__ import annotations

import itertools
import json
from typing import Any

from runs.ingest import IngestReport, RawItem
from runs.models import Message, Project, Run, RunStep
from runs.responses import ingest_responses
from tests.factories import NOW

_numbers = itertools.count(1)


def response_object(*output: dict[str, Any], at: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a completed response, `at` seconds after NOW; with an answer unless it has another output."""
    posted = {
        "id": f"resp_{next(_numbers):048x}",
        "object": "response",
        "created_at": NOW + at,
        "completed_at": NOW + at + 3,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": "You help people find their orders.",
        "model": "gpt-5-mini-2025-08-07",
        "output": list(output) or [answer()],
        "previous_response_id": None,
        "tools": [{"type": "function", "name": "search_orders", "parameters": {"type": "object"}, "strict": True}],
        "usage": usage(120, 30),
        "metadata": {},
    } | changes
    return {name: value for name, value in posted.items() if value is not ...}


def usage(prompt: int, completion: int) -> dict[str, Any]:
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + completion,
    }


def answer(text: str = "There are none.", **changes: Any) -> dict[str, Any]:
    return {
        "id": f"msg_{next(_numbers):048x}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    } | changes


def call(name: str = "search_orders", **changes: Any) -> dict[str, Any]:
    number = next(_numbers)
    return {
        "id": f"fc_{number}",
        "type": "function_call",
        "call_id": f"call_{number}",
        "name": name,
        "arguments": '{"customer": "acme"}',
        "status": "completed",
    } | changes


def call_output(of: dict[str, Any], output: Any = "[]") -> dict[str, Any]:
    return {"id": f"fco_{of['call_id']}", "type": "function_call_output", "call_id": of["call_id"], "output": output}


def question(text: str = "Any orders?") -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {"id": f"msg_in_{next(_numbers)}", "type": "message", "role": "user", "content": content}


def post_responses(project: Project, *objects: dict[str, Any]) -> IngestReport:
    """Ingest responses as one request would."""
    return ingest_responses(project, [RawItem(n, json.dumps(value).encode()) for n, value in enumerate(objects)])


def describe_runs(project: Project) -> dict[str, Any]:
    """Return everything that is derived, without times of receipt: runs with their steps and messages by id."""

    described: dict[str, Any] = {}
    for run in Run.objects.in_project(project):
        steps = RunStep.objects.of_run(run)
        messages = Message.objects.filter(run_external_id=run.external_id)
        described[run.external_id] = {
            "run": json.loads(run.as_json()),
            "steps": {step.external_id: json.loads(step.as_json()) for step in steps},
            "messages": {message.external_id: json.loads(message.as_json()) for message in messages},
        }
    return described
