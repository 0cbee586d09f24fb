"""How servers spell a run: the two revisions of the hosted API, Azure, DashScope, and a compatible server."""

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
    """What a run said of itself at one time; `waiting` is the turn whose calls it waits for."""

    status: str
    started: int | None = None
    waiting: Turn | None = None


def iterate_states(story: Story) -> Iterator[RunState]:
    """Everything a run went through, in order, the last state included.

    When outputs are submitted a run goes on with a later `started_at`, as the hosted servers do it.
    """
    if story.status != "queued":
        yield RunState("queued")
    started = story.started
    if started is not None and story.status != "in_progress":
        yield RunState("in_progress", started)
    for turn in story.turns:
        if turn.asked is not None and turn.status == "completed":
            yield RunState("requires_action", started, turn)
            started = turn.ended
            yield RunState("in_progress", started)
    yield RunState(story.status, started, story.turns[-1] if story.status == "requires_action" else None)


def render_run(story: Story, state: RunState, *, last: bool) -> Object:
    """A run object: the story as its server tells it in this state."""
    return _RENDERERS[story.assistant.dialect](story, state, last)


def render_usage(tokens: Tokens | None, dialect: Dialect) -> dict[str, Any] | None:
    """Usage in the keys of the dialect."""
    if tokens is None:
        return None
    total = tokens.prompt + tokens.completion
    if dialect is Dialect.DASHSCOPE:
        return {"input_tokens": tokens.prompt, "output_tokens": tokens.completion, "total_tokens": total}
    found: dict[str, Any] = {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "total_tokens": total,
    }
    if dialect in (Dialect.HOSTED, Dialect.AZURE):
        found["prompt_token_details"] = {"cached_tokens": tokens.cached}
    if dialect is Dialect.HOSTED:
        found["completion_tokens_details"] = {"reasoning_tokens": tokens.reasoning}
    return found


def _head(story: Story, state: RunState, last: bool) -> Object:
    """The fields that every dialect has, with the times at which the run ended."""
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


def _hosted(story: Story, state: RunState, last: bool) -> Object:
    waiting = state.waiting
    run = _head(story, state, last)
    run["required_action"] = render_required_action(waiting.kind, waiting.calls) if waiting else None
    run["incomplete_details"] = story.reason if last else None
    run["metadata"] = story.thread.metadata
    run["usage"] = render_usage(story.tokens, story.assistant.dialect) if last else None
    run.update(story.configuration.fields)
    return run


def _azure(story: Story, state: RunState, last: bool) -> Object:
    run = _hosted(story, state, last)
    run["expires_at"] = story.expiry
    del run["reasoning_effort"]
    return run


def _first(story: Story, state: RunState, last: bool) -> Object:
    """The first revision: no required_action unless one is due, and usage only in its later months.

    An expired run carries the time of its end in `completed_at`.
    """
    run = _head(story, state, last)
    if state.status == "expired":
        run["completed_at"] = story.ended
    run["metadata"] = story.thread.metadata
    if story.created % 3:
        run["usage"] = render_usage(story.tokens, Dialect.FIRST) if last else None
    run.update(story.configuration.fields)
    return run


def _dashscope(story: Story, state: RunState, last: bool) -> Object:
    """Milliseconds, no times but the first, metadata as an empty list, and a request id."""
    run = _head(story, state, last)
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


def _compatible(story: Story, state: RunState, last: bool) -> Object:
    """The second revision with fields of the server's own."""
    run = _hosted(story, state, last)
    del run["reasoning_effort"], run["tool_resources"]
    run["metadata"] = story.thread.metadata or None
    run["x_placement"] = {"region": "fr-par-1", "node": f"gpu-{story.id[:2]}", "spot": story.id[3] in "0123"}
    run["queue_position"] = 2 if state.status == "queued" else 0
    if run["usage"]:
        run["usage"]["energy_wh"] = round(run["usage"]["total_tokens"] * 0.00031, 4)
    return run


def convert_to_milliseconds(moment: int, salt: str) -> int:
    """A moment in milliseconds, with a fraction that depends on the id alone."""
    return moment * 1000 + int(salt[-2:], 16) * 3


_RENDERERS = {
    Dialect.HOSTED: _hosted,
    Dialect.FIRST: _first,
    Dialect.AZURE: _azure,
    Dialect.DASHSCOPE: _dashscope,
    Dialect.COMPATIBLE: _compatible,
}
