"""Six runs that the example queries of the help page tell apart."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from runs.enrichment import step_validation
from runs.models import Configuration, ErrorGroup, Project, Run
from runs.team import tags
from runs.team.reviews import mark_reviewed
from tests import factories

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
CONFIGURATION = uuid.UUID("3f2a9c00-1111-2222-3333-444455556666")
GROUP = uuid.UUID("b4e12d00-1111-2222-3333-444455556666")


def at(text: str) -> int:
    """Return a time in UTC as a Unix timestamp."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def fill(project: Project) -> None:
    """Store the six runs below. All were received on 1 May, `cut` was received now. One assistant has a name."""
    runs = [plain(), billing(), refund(), waiting(), broken(), cut_short()]
    assert not factories.post(project, *runs).errors
    weather = factories.function_call("get_weather", '{"city": "Paris", "ref": "A-1001"}', '{"error": "not found"}')
    called = weather, {"id": "call_s", "type": "file_search", "file_search": {}}
    factories.post_steps(project, factories.step_object(runs[0], *called))
    paid = factories.function_call("issue_refund") | {"id": "call_refund"}
    factories.post_steps(project, factories.step_object(runs[2], paid, id="step_refund", status="failed"))
    factories.post_messages(
        project,
        _asked(runs[1], "Where is my ORDER?"),
        factories.message_object(runs[1], "Sorry, no refund."),
        _asked(runs[2], "Please cancel my order."),
    )
    step_validation.validate_next_steps(project, None)
    factories.post_assistants(project, asst_billing="Refund desk")
    moved = Run.objects.get(external_id="run_plain")
    Configuration.objects.filter(pk=moved.configuration_id).update(id=CONFIGURATION)
    Run.objects.filter(pk=moved.pk).update(configuration_id=CONFIGURATION)
    failed = Run.objects.get(external_id="run_refund")
    ErrorGroup.objects.filter(pk=failed.error_group_id).update(id=GROUP)
    Run.objects.filter(pk=failed.pk).update(error_group_id=GROUP)
    Run.objects.update(received_at=datetime(2026, 5, 1, tzinfo=UTC))
    Run.objects.filter(external_id="run_cut").update(received_at=NOW)
    labels = {"refund": ["needs-review", "urgent"], "broken": ["needs-owner"]}
    for name, names in labels.items():
        tags.add_tags(project, [project.record_id(f"run_{name}")], names, factories.make_user(project))
    for name, reviewer in {"refund": "ann", "plain": "Ann Lee"}.items():
        mark_reviewed(project, [project.record_id(f"run_{name}")], reviewer)


def _asked(run: dict[str, Any], text: str) -> dict[str, Any]:
    return factories.message_object(None, text, thread_id=run["thread_id"], created_at=run["created_at"])


def plain() -> dict[str, Any]:
    """Return a run on gpt-4o that completed on 1 May in 20 s with 150 tokens and called a function it defines."""
    return _run(
        "plain", "2026-05-01T10:00:00", lasted=20, model="gpt-4o",
        metadata={"customer": "acme", "odd key": "a b", "attempt": 5},
        tools=[factories.function_tool("get_weather"), {"type": "file_search"}],
        instructions="Tell the weather.",
    )  # fmt: skip


def billing() -> dict[str, Any]:
    """Return a run of another assistant on 8 May that took 2 min and 5,000 tokens, some of them cached or reasoning."""
    usage: dict[str, Any] = {"prompt_tokens": 4000, "completion_tokens": 1000, "total_tokens": 5000}
    usage |= {"prompt_token_details": {"cached_tokens": 12}, "completion_token_details": {"reasoning_tokens": 9}}
    return _run(
        "billing", "2026-05-08T09:00:00", lasted=120, assistant_id="asst_billing", model="gpt-4o-mini",
        thread_id="thread_invoices", usage=usage, metadata={"customer": "globex"},
        tools=[factories.function_tool("get_weather")], instructions="Mind the refund policy, always.",
    )  # fmt: skip


def refund() -> dict[str, Any]:
    """Return a run that failed on 9 May with an error code of the protocol."""
    return _failed("refund", "2026-05-09T08:00:00", "rate_limit_exceeded", "Too many requests, slow down.")


def broken() -> dict[str, Any]:
    """Return a run of revision 1 that failed on 20 April after a long wait, with a sentence as its error code."""
    started = at("2026-04-20T00:02:00")
    failed = _failed(
        "broken", "2026-04-20T00:00:00", "Quota is gone (429)", "Buy more quota.",
        started_at=started, metadata=[], file_ids=[], tools=[{"type": "retrieval"}],
    )  # fmt: skip
    newer = {
        "truncation_strategy", "max_prompt_tokens", "max_completion_tokens", "tool_choice", "response_format",
        "temperature", "top_p", "parallel_tool_calls", "incomplete_details",
    }  # fmt: skip
    return {name: value for name, value in failed.items() if name not in newer}


def waiting() -> dict[str, Any]:
    """Return a run that has waited for a tool output for an hour."""
    base = _run("waiting", "2026-05-10T11:00:00", lasted=0)
    return factories.waiting_run("issue_refund") | {
        name: base[name]
        for name in ("id", "created_at", "started_at", "thread_id", "model", "instructions", "tools", "metadata")
    }


def cut_short() -> dict[str, Any]:
    """Return a run that ended incomplete a minute ago, without start time or model."""
    return _run(
        "cut", "2026-05-10T11:59:00", lasted=None, status="incomplete", completed_at=None, started_at=None,
        incomplete_details={"reason": "max_completion_tokens"}, usage=None, model=None, metadata=None,
    )  # fmt: skip


def _run(name: str, created: str, *, lasted: int | None, **changes: Any) -> dict[str, Any]:
    start = at(created)
    return factories.run_object(
        **{
            "id": f"run_{name}", "created_at": start, "started_at": start + 2, "thread_id": f"thread_{name}",
            "completed_at": None if lasted is None else start + lasted, "model": "o3", "metadata": {},
            "instructions": "Help.", "tools": [],
        } | changes
    )  # fmt: skip


def _failed(name: str, created: str, code: str, message: str, **changes: Any) -> dict[str, Any]:
    base = _run(name, created, lasted=None, **changes)
    ended = {"status": "failed", "failed_at": base["created_at"] + 300, "usage": None}
    return base | ended | {"last_error": {"code": code, "message": message}}
