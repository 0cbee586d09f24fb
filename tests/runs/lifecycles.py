"""Strategies for the lifecycle of a run: its snapshots in the order in which a server sends them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from tests.factories import NOW, failed_run, function_tool, run_object, waiting_run

_ENDS = {
    "completed": "completed_at",
    "incomplete": "completed_at",
    "failed": "failed_at",
    "cancelled": "cancelled_at",
}


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
def posted(draw: st.DrawFn, snapshots: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return `snapshots` in any order, some of them repeated, split into any number of requests."""
    repeated = draw(st.lists(st.sampled_from(snapshots), max_size=5))
    order = draw(st.permutations([*snapshots, *repeated]))
    cuts = sorted(draw(st.sets(st.integers(1, len(order) - 1), max_size=4))) if len(order) > 1 else []
    return [list(order[begin:end]) for begin, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def as_bytes(snapshot: dict[str, Any]) -> bytes:
    """Return a snapshot as it is posted."""
    return json.dumps(snapshot).encode()
