"""The steps of a run in the dialect of its server, one for each turn of its story."""

from __future__ import annotations

from random import Random
from typing import Any

from runs.demo.assistants import Dialect
from runs.demo.calls import POST_ENTRY, DemoCall
from runs.demo.dialects import convert_to_milliseconds, render_usage
from runs.demo.ids import make_token
from runs.demo.story import TERMINAL, Story, Turn
from runs.demo.threads import make_record_id
from runs.demo.tools import make_server_call

Object = dict[str, Any]
_MODERN = (Dialect.HOSTED, Dialect.AZURE)
_LEDGER_TOOLS: Object = {
    POST_ENTRY.name: {"description": POST_ENTRY.description, "parameters": POST_ENTRY.parameters},
    "list_entries": {"description": "Entries of an invoice.", "parameters": {"type": "object"}},
}


def make_steps(rng: Random, story: Story) -> tuple[Object, ...]:
    """Return the steps, oldest first. Sets the message ids of the writing turns."""
    steps: list[Object] = []
    for turn in story.turns:
        if turn.kind == "mcp" and not any(step["type"] == "activities" for step in steps):
            steps.append(_make_tool_listing(rng, story, turn))
        steps.append(_make_step(rng, story, turn))
    if story.assistant.dialect is Dialect.DASHSCOPE:
        for step in steps:
            use_milliseconds(step, story)
    return tuple(steps)


def use_milliseconds(record: Object, story: Story) -> None:
    """Convert the times of a step or a message to milliseconds, as DashScope sends them."""
    for name in ("created_at", "completed_at", "failed_at", "cancelled_at", "expired_at", "incomplete_at"):
        if record.get(name) is not None:
            record[name] = convert_to_milliseconds(record[name], story.id)


def _make_step(rng: Random, story: Story, turn: Turn) -> Object:
    status, ended, dialect = turn.status, turn.ended, story.assistant.dialect
    step: Object = {
        "id": make_record_id(rng, dialect, "step"),
        "object": "thread.run.step",
        "created_at": turn.began,
        "run_id": story.id,
        "assistant_id": story.assistant.id,
        "thread_id": story.thread.id,
        "type": "message_creation" if turn.kind == "message" else "tool_calls",
        "status": status,
        "cancelled_at": ended if status == "cancelled" else None,
        "completed_at": ended if status == "completed" else None,
        "failed_at": ended if status == "failed" else None,
        "last_error": story.error if status == "failed" else None,
        "step_details": _make_details(rng, story, turn),
        "usage": render_usage(turn.tokens, dialect) if _has_usage(story, turn) else None,
    }
    if dialect in _MODERN:
        step["expires_at"] = story.expiry if dialect is Dialect.HOSTED else None
    else:
        step["expired_at"] = ended if status == "expired" else None
        step["metadata"] = {}
    return step


def _has_usage(story: Story, turn: Turn) -> bool:
    """Return whether the step reports usage: while the run is active, and afterwards if the run does."""
    if story.status in TERMINAL:
        return story.tokens is not None and story.tokens.prompt > 0
    return turn.status == "completed"


def _make_details(rng: Random, story: Story, turn: Turn) -> Object:
    if turn.kind == "message":
        turn.message_id = make_record_id(rng, story.assistant.dialect, "msg")
        return {"type": "message_creation", "message_creation": {"message_id": turn.message_id}}
    if turn.calls:
        waited = story.status == "requires_action" or turn.status != "in_progress"
        calls = [_make_client_call(rng, turn, call) for call in turn.calls] if waited else []
    elif turn.status == "in_progress":
        calls = []
    else:
        tool = story.configuration.tool(turn.kind)
        calls = [make_server_call(rng, tool, finished=turn.status == "completed")]
    return {"type": "tool_calls", "tool_calls": calls}


def _make_client_call(rng: Random, turn: Turn, call: DemoCall) -> Object:
    output = call.output(rng) if turn.status == "completed" else None
    if turn.kind == "mcp":
        return {
            "id": call.id,
            "type": "mcp",
            "name": call.name,
            "arguments": call.arguments,
            "output": output,
            "server_label": "ledger",
        }
    function = {"name": call.name, "arguments": call.arguments, "output": output}
    return {"id": call.id, "type": "function", "function": function}


def _make_tool_listing(rng: Random, story: Story, turn: Turn) -> Object:
    """Return the step in which Azure lists the tools of an MCP server, before the server is used for the first time."""
    activity = {
        "id": f"activity_{make_token(rng)}",
        "type": "mcp_list_tools",
        "server_label": "ledger",
        "tools": _LEDGER_TOOLS,
    }
    return {
        "id": f"step_{make_token(rng)}",
        "object": "thread.run.step",
        "created_at": turn.began,
        "run_id": story.id,
        "assistant_id": story.assistant.id,
        "thread_id": story.thread.id,
        "type": "activities",
        "status": "completed",
        "cancelled_at": None,
        "completed_at": turn.began,
        "expires_at": None,
        "failed_at": None,
        "last_error": None,
        "step_details": {"type": "activities", "activities": [activity]},
        "usage": None,
    }
