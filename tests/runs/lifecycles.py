"""Strategies for lifecycles: the snapshots of a record in the order in which a server sends them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from tests.factories import (
    NOW,
    failed_run,
    function_call,
    function_tool,
    message_object,
    run_object,
    step_object,
    waiting_run,
)

_ENDS = {
    "completed": "completed_at",
    "incomplete": "completed_at",
    "failed": "failed_at",
    "cancelled": "cancelled_at",
}
# `message_object` and `step_object` take the ids and the times of a run.
_STEP_RUN = run_object(id="run_1", created_at=NOW)


@st.composite
def lifecycles(draw: st.DrawFn, run_id: str = "run_1") -> list[dict[str, Any]]:
    """Return snapshots from queued to the end; usage may be added after it."""
    time = NOW
    queued = run_object(
        id=run_id, created_at=NOW, status="queued", started_at=None, completed_at=None, usage=None,
        expires_at=NOW + 600, tools=[function_tool(draw(st.sampled_from(["search", "refund"])))],
    )  # fmt: skip
    snapshots = [queued]
    active = queued
    for _ in range(draw(st.integers(0, 3))):
        time += draw(st.integers(1, 20))
        active = active | {"status": "in_progress", "started_at": time, "required_action": None}
        snapshots.append(active)
        if draw(st.booleans()):
            action = waiting_run("refund")["required_action"]
            active = active | {"status": "requires_action", "required_action": action}
            snapshots.append(active)
            # queued again after the tool outputs, with the same started_at
            active = active | {"status": "queued", "required_action": None}
            snapshots.append(active)
    if draw(st.booleans()):
        active = active | {"status": "cancelling"}
        snapshots.append(active)
    return snapshots + draw(_ends(active, time + draw(st.integers(0, 30))))


@st.composite
def _ends(draw: st.DrawFn, active: dict[str, Any], ended_at: int) -> list[dict[str, Any]]:
    status = draw(st.sampled_from([*_ENDS, "expired"]))
    ended = active | {"status": status, "required_action": None, "expires_at": None}
    ended |= {"expires_at": NOW + 600} if status == "expired" else {_ENDS[status]: ended_at}
    if status == "failed":
        ended["last_error"] = failed_run()["last_error"]
    with_usage = ended | {"usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}}
    return draw(st.sampled_from([[ended], [with_usage], [ended, with_usage]]))


@st.composite
def step_lifecycles(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return the snapshots of a step, from the event of its creation to the form that lists all results."""
    count = draw(st.integers(1, 3))
    calls = [function_call(f"tool_{number}", output="out" * 9) | {"id": f"call_{number}"} for number in range(count)]
    called = [call | {"function": call["function"] | {"output": None}} for call in calls]
    search = {"id": "call_s", "type": "file_search", "file_search": {"results": [{"file_id": "f", "content": ["x"]}]}}
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}

    def step(*calls: dict[str, Any], **changes: Any) -> dict[str, Any]:
        details = {"type": "tool_calls", "tool_calls": list(calls)}
        return step_object(_STEP_RUN, id="step_1", type="tool_calls", usage=None) | {"step_details": details} | changes

    begun = {"status": "in_progress", "completed_at": None}
    snapshots = [
        *(step(*called[:length], **begun) for length in range(count + 1)),
        step(*calls, **begun),
        step(),
        step(*calls[:1]),
        step(*calls),
        step(*calls, search | {"file_search": {}}),
        step(*calls, search),
        step(*calls, search, usage=usage),
    ]
    return _draw_some(draw, snapshots)


@st.composite
def message_lifecycles(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return the snapshots of a message while its text grows, and forms of the complete one."""
    text = draw(st.text("ab c", min_size=3, max_size=9))
    citation = {"type": "file_citation", "text": "[0]", "file_citation": {"file_id": "file_1"}}

    def message(value: str | None, *annotations: Any, **changes: Any) -> dict[str, Any]:
        part = {"type": "text", "text": {"value": value, "annotations": list(annotations)}}
        content = [] if value is None else [part]
        return message_object(_STEP_RUN, id="msg_1", content=content, created_at=NOW) | changes

    begun = {"status": "in_progress", "completed_at": None}
    ended = {"status": "completed", "completed_at": NOW + 9}
    snapshots = [
        message(None, **begun),
        *(message(text[:length], **begun) for length in range(1, len(text) + 1)),
        message(None, **ended),
        message(text[:2], **ended),
        message(text, **ended),
        message(text, citation, **ended),
    ]
    return _draw_some(draw, snapshots)


def _draw_some(draw: st.DrawFn, snapshots: list[dict[str, Any]]) -> list[dict[str, Any]]:
    chosen = draw(st.sets(st.integers(0, len(snapshots) - 1), min_size=1))
    return [snapshots[position] for position in sorted(chosen)]


@st.composite
def posted(draw: st.DrawFn, snapshots: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return `snapshots` in any order, some of them repeated, split into any number of requests."""
    repeated = draw(st.lists(st.sampled_from(snapshots), max_size=5))
    order = draw(st.permutations([*snapshots, *repeated]))
    cuts = sorted(draw(st.sets(st.integers(1, len(order) - 1), max_size=4))) if len(order) > 1 else []
    return [list(order[begin:end]) for begin, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def as_bytes(snapshot: dict[str, Any]) -> bytes:
    """Return a snapshot as it is posted."""
    return json.dumps(snapshot).encode()
