"""The calls by which the owner of a run answers it: at the server that runs the agent, which Runglass is not."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from dashboard.pages.actions.pending_calls import PendingCall
from runs.analytics.linked_runs import read_response_ids
from runs.models import Run, RunSource

OUTPUT_PLACEHOLDER = "..."
MAX_ANSWERED_CALLS = 100  # more make the page large, and are answered by a program anyway


@dataclass(frozen=True, slots=True)
class SubmissionSnippet:
    """A command or a piece of a program that answers the pending calls of a run."""

    name: str
    label: str
    text: str


def build_submission_snippets(run: Run, calls: Sequence[PendingCall]) -> list[SubmissionSnippet]:
    """Return the snippets that answer all of `calls`, with placeholders for outputs.

    There are none for runs of traces, and for more than `MAX_ANSWERED_CALLS` calls.
    """
    if not 0 < len(calls) <= MAX_ANSWERED_CALLS or run.source == RunSource.OTEL:
        return []
    return _answer_response(run, calls) if run.source == RunSource.RESPONSES else _submit_to_run(run, calls)


def _submit_to_run(run: Run, calls: Sequence[PendingCall]) -> list[SubmissionSnippet]:
    """Return calls of the Assistants API; approvals are an addition of Azure's servers, which its SDK has no call for.

    https://platform.openai.com/docs/api-reference/runs/submitToolOutputs
    """
    outputs = [{"tool_call_id": call.id, "output": OUTPUT_PLACEHOLDER} for call in calls if not call.is_approval]
    approvals = [{"tool_call_id": call.id, "approve": True} for call in calls if call.is_approval]
    body = ({"tool_outputs": outputs} if outputs else {}) | ({"tool_approvals": approvals} if approvals else {})
    path = f"threads/{quote(run.thread_id, safe='')}/runs/{quote(run.external_id, safe='')}/submit_tool_outputs"
    curl = _build_curl(path, body, "OpenAI-Beta: assistants=v2")
    python = (
        "from openai import OpenAI\n\n"
        "OpenAI().beta.threads.runs.submit_tool_outputs(\n"
        f"    {run.external_id!r},\n"
        f"    thread_id={run.thread_id!r},\n"
        f"    tool_outputs={_format_python(outputs)},\n)"
    )
    return [curl] if approvals else [curl, SubmissionSnippet("python", "Python", python)]


def _answer_response(run: Run, calls: Sequence[PendingCall]) -> list[SubmissionSnippet]:
    """Return calls of the Responses API that continue the last response of a turn.

    https://platform.openai.com/docs/api-reference/responses/create
    """
    answers = [
        {"type": "mcp_approval_response", "approval_request_id": call.id, "approve": True}
        if call.is_approval
        else {"type": f"{call.type}_call_output", "call_id": call.id, "output": OUTPUT_PLACEHOLDER}
        for call in calls
    ]
    *_, previous = [run.external_id, *read_response_ids(run)]
    python = (
        "from openai import OpenAI\n\n"
        "OpenAI().responses.create(\n"
        f"    model={run.model!r},\n"
        f"    previous_response_id={previous!r},\n"
        f"    input={_format_python(answers)},\n)"
    )
    body = {"model": run.model, "previous_response_id": previous, "input": answers}
    return [_build_curl("responses", body), SubmissionSnippet("python", "Python", python)]


def _build_curl(path: str, body: dict[str, Any], *headers: str) -> SubmissionSnippet:
    lines = [
        f'curl "$OPENAI_BASE_URL/{path}"',
        '-H "Authorization: Bearer $OPENAI_API_KEY"',
        *(f'-H "{header}"' for header in (*headers, "Content-Type: application/json")),
        f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}",
    ]
    return SubmissionSnippet("curl", "curl", " \\\n  ".join(lines))


def _format_python(answers: list[dict[str, Any]]) -> str:
    return "[\n" + "".join(f"        {answer!r},\n" for answer in answers) + "    ]"
