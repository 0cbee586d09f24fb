"""Run objects in the dialects of servers: the hosted API in two revisions, Azure, DashScope, a compatible server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runs.demo.assistants import Dialect
from runs.demo.calls import render_required_action
from runs.demo.story import TERMINAL, Story, Tokens, Turn

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of a run at one time. `waiting` is the turn whose calls the run waits for."""

    status: str
    started: int | None = None
    waiting: Turn | None = None


def iterate_states(story: Story) -> Iterator[RunState]:
    """Yield all states of a run, the last one included.

    After outputs are submitted, the run continues with a later `started_at`, as on the hosted servers.
    """
    if story.status != "queued":
        yield RunState("queued")
    started = story.started
    if started is not None and story.status != "in_progress":
        yield RunState("in_progress", started)
    for turn in story.turns:
        if turn.waiting_since is not None and turn.status == "completed":
            yield RunState("requires_action", started, turn)
            started = turn.ended
            yield RunState("in_progress", started)
    yield RunState(story.status, started, story.turns[-1] if story.status == "requires_action" else None)


def render_run(story: Story, state: RunState, *, last: bool) -> Object:
    """Return the run object that the server sends in this state. `last` is true for the final state."""
    return _RENDERERS[story.assistant.dialect](story, state, last)


def render_usage(tokens: Tokens | None, dialect: Dialect) -> dict[str, Any] | None:
    """Return the usage in the dialect's keys."""
    if tokens is None:
        return None
    total = tokens.prompt + tokens.completion
    if dialect is Dialect.DASHSCOPE:
        return {"input_tokens": tokens.prompt, "output_tokens": tokens.completion, "total_tokens": total}
    rendered: dict[str, Any] = {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "total_tokens": total,
    }
    if dialect in (Dialect.HOSTED, Dialect.AZURE):
        rendered["prompt_token_details"] = {"cached_tokens": tokens.cached}
    if dialect is Dialect.HOSTED:
        rendered["completion_tokens_details"] = {"reasoning_tokens": tokens.reasoning}
    return rendered


def _render_common_fields(story: Story, state: RunState, last: bool) -> Object:
    """Return the fields of every dialect."""
    status, ended = state.status, story.ended if last else None
    return {
        "id": story.id,
        "object": "thread.run",
        "created_at": story.created,
        "assistant_id": story.assistant.id,
        "thread_id": story.thread.id,
        "status": status,
        "started_at": state.started,
        "expires_at": None if status in TERMINAL else story.expiry,
        "cancelled_at": ended if status == "cancelled" else None,
        "failed_at": ended if status == "failed" else None,
        "completed_at": ended if status in ("completed", "incomplete") else None,
        "last_error": story.error if last else None,
    }


def _render_hosted(story: Story, state: RunState, last: bool) -> Object:
    waiting = state.waiting
    run = _render_common_fields(story, state, last)
    run["required_action"] = render_required_action(waiting.kind, waiting.calls) if waiting else None
    run["incomplete_details"] = story.reason if last else None
    run["metadata"] = story.thread.metadata
    run["usage"] = render_usage(story.tokens, story.assistant.dialect) if last else None
    run.update(story.configuration.fields)
    return run


def _render_azure(story: Story, state: RunState, last: bool) -> Object:
    run = _render_hosted(story, state, last)
    run["expires_at"] = story.expiry
    del run["reasoning_effort"]
    return run


def _render_first(story: Story, state: RunState, last: bool) -> Object:
    """Return a run of the first revision.

    It has `required_action` only if an action is required, and usage only in two of three cases. An expired run has
    the time of its end in `completed_at`.
    """
    run = _render_common_fields(story, state, last)
    if state.status == "expired":
        run["completed_at"] = story.ended
    run["metadata"] = story.thread.metadata
    if story.created % 3:
        run["usage"] = render_usage(story.tokens, Dialect.FIRST) if last else None
    run.update(story.configuration.fields)
    return run


def _render_dashscope(story: Story, state: RunState, last: bool) -> Object:
    """Return a run of DashScope: times in milliseconds and only the first, metadata as an empty list, a request id."""
    run = _render_common_fields(story, state, last)
    run["created_at"] = convert_to_milliseconds(story.created, story.id)
    for name in ("started_at", "expires_at", "cancelled_at", "failed_at", "completed_at"):
        run[name] = None
    waiting = state.waiting
    run["required_action"] = render_required_action(waiting.kind, waiting.calls) if waiting else None
    run["metadata"] = []
    run["usage"] = render_usage(story.tokens, Dialect.DASHSCOPE) if last else None
    run["request_id"] = story.id[-36:]
    run.update(story.configuration.fields)
    return run


def _render_compatible(story: Story, state: RunState, last: bool) -> Object:
    """Return a run of the second revision with fields of the server's own."""
    run = _render_hosted(story, state, last)
    del run["reasoning_effort"], run["tool_resources"]
    run["metadata"] = story.thread.metadata or None
    run["x_placement"] = {"region": "fr-par-1", "node": f"gpu-{story.id[:2]}", "spot": story.id[3] in "0123"}
    run["queue_position"] = 2 if state.status == "queued" else 0
    if run["usage"]:
        run["usage"]["energy_wh"] = round(run["usage"]["total_tokens"] * 0.00031, 4)
    return run


def convert_to_milliseconds(moment: int, salt: str) -> int:
    """Return a time in milliseconds. The fraction depends only on the id."""
    return moment * 1000 + int(salt[-2:], 16) * 3


_RENDERERS = {
    Dialect.HOSTED: _render_hosted,
    Dialect.FIRST: _render_first,
    Dialect.AZURE: _render_azure,
    Dialect.DASHSCOPE: _render_dashscope,
    Dialect.COMPATIBLE: _render_compatible,
}
