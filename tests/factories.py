"""Build small, plausible objects and records for tests. Every value can be overridden."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone

from runs.derivation import DerivedRun, replace_derived_runs, run_in_derivation_transaction
from runs.ingest import ASSISTANTS, MESSAGES, RUNS, STEPS, IngestReport, Outcome, RawItem, RecordType, ingest
from runs.ingest.merge import Receipt
from runs.models import ApiKey, ErrorGroup, Membership, Project, Run, RunSource, SavedView, User
from runs.team.api_keys import create_api_key
from runs.team.deletion import DeletionCounts, delete_runs
from runs.team.error_groups import build_state_change, decide_on_error_groups
from runs.team.saved_views import save_view

NOW = 1_795_000_000  # 2026-11-18 11:06:40 UTC
PASSWORD = "correct horse battery staple"

_numbers = itertools.count(1)  # for ids, which never repeat
_seconds = itertools.count(1)  # for times, which start again in each test


def restart_clock() -> None:
    """Give the next record a time shortly after `NOW`, however many records were built before."""
    global _seconds
    _seconds = itertools.count(1)


def run_object(**changes: Any) -> dict[str, Any]:
    """Return a completed run of the newer revision. Pass `field=...` to leave a field out."""
    created_at = NOW + next(_seconds)
    posted = {
        "id": f"run_{next(_numbers):024d}",
        "object": "thread.run",
        "created_at": created_at,
        "assistant_id": "asst_concierge",
        "thread_id": "thread_first",
        "status": "completed",
        "started_at": created_at + 1,
        "expires_at": None,
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": created_at + 8,
        "required_action": None,
        "last_error": None,
        "incomplete_details": None,
        "model": "gpt-4o-mini",
        "instructions": "You help people find their orders.",
        "tools": [function_tool("search_orders")],
        "metadata": {"customer": "acme"},
        "usage": {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150},
        "temperature": 1.0,
        "top_p": 1.0,
        "max_prompt_tokens": None,
        "max_completion_tokens": None,
        "truncation_strategy": {"type": "auto", "last_messages": None},
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "response_format": "auto",
    } | changes
    return {name: value for name, value in posted.items() if value is not ...}


def failed_run(
    code: str = "rate_limit_exceeded", message: str = "Rate limit reached.", **changes: Any
) -> dict[str, Any]:
    """Return a failed run without usage."""
    base = run_object()
    ended = {"status": "failed", "failed_at": base["completed_at"], "completed_at": None, "usage": None}
    return base | ended | {"last_error": {"code": code, "message": message}} | changes


def waiting_run(*functions: str, **changes: Any) -> dict[str, Any]:
    """Return a run that waits for the outputs of `functions`."""
    calls = [
        {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": '{"order": "A-1"}'}}
        for name in functions or ("issue_refund",)
    ]
    action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}
    base = run_object()
    waiting = {"status": "requires_action", "completed_at": None, "usage": None, "required_action": action}
    return base | waiting | {"expires_at": base["created_at"] + 600} | changes


def function_tool(name: str, **parameters: Any) -> dict[str, Any]:
    """Return a tool of type function, with a JSON Schema."""
    schema = {"type": "object", "properties": parameters or {"order": {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "description": f"Does {name}.", "parameters": schema}}


def step_object(run: dict[str, Any], *calls: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a completed step of `run` with tool calls, or one that creates a message if there are none."""
    number = next(_numbers)
    details: dict[str, Any] = {"type": "tool_calls", "tool_calls": list(calls)}
    if not calls:
        details = {"type": "message_creation", "message_creation": {"message_id": f"msg_{number}"}}
    return {
        "id": f"step_{number:024d}",
        "object": "thread.run.step",
        "created_at": run["created_at"] + 2,
        "assistant_id": run["assistant_id"],
        "thread_id": run["thread_id"],
        "run_id": run["id"],
        "type": details["type"],
        "status": "completed",
        "step_details": details,
        "last_error": None,
        "expires_at": None,
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": run["created_at"] + 4,
        "usage": {"prompt_tokens": 60, "completion_tokens": 15, "total_tokens": 75},
    } | changes


def function_call(name: str, arguments: str = '{"order": "A-1"}', output: str | None = "{}") -> dict[str, Any]:
    """Return a tool call of type function, as steps have it."""
    return {
        "id": f"call_{next(_numbers)}",
        "type": "function",
        "function": {"name": name, "arguments": arguments, "output": output},
    }


def message_object(run: dict[str, Any] | None = None, text: str = "Hello.", **changes: Any) -> dict[str, Any]:
    """Return a message: the assistant's answer in `run`, or a user's question."""
    return {
        "id": f"msg_{next(_numbers):024d}",
        "object": "thread.message",
        "created_at": NOW + next(_seconds),
        "assistant_id": run["assistant_id"] if run else None,
        "thread_id": run["thread_id"] if run else "thread_first",
        "run_id": run["id"] if run else None,
        "role": "assistant" if run else "user",
        "content": [{"type": "text", "text": {"value": text, "annotations": []}}],
        "attachments": [],
        "metadata": {},
    } | changes


def assistant_object(**changes: Any) -> dict[str, Any]:
    """Return an assistant. Pass `field=...` to leave a field out."""
    posted = {
        "id": f"asst_{next(_numbers):024d}",
        "object": "assistant",
        "created_at": NOW,
        "name": "Concierge",
        "description": None,
        "model": "gpt-4o-mini",
        "instructions": "You help people find their orders.",
        "tools": [function_tool("search_orders")],
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "response_format": "auto",
    } | changes
    return {name: value for name, value in posted.items() if value is not ...}


def make_project(slug: str = "default") -> Project:
    """Return the project with that slug; create it if needed."""
    return Project.objects.get_or_create(slug=slug, defaults={"name": slug.title()})[0]


def make_user(project: Project | None = None, role: str = "member", name: str = "") -> User:
    """Create a user with PASSWORD, a member of `project` if one is passed."""
    user = User.objects.create_user(username=name or f"user{next(_numbers)}", password=PASSWORD)
    if project is not None:
        Membership.objects.create(user=user, project=project, role=role)
    return user


def role_of(user: User, project: Project) -> str:
    """Return the role of a user in `project`; "" for other users."""
    membership = Membership.objects.filter(user=user, project=project).first()
    return membership.role if membership else ""


def make_key(project: Project, *scopes: str) -> str:
    """Create an API key and return its secret. It has all scopes unless some are named."""
    return create_api_key(project, "test", scopes or ApiKey.Scope.values)


def post(project: Project, *objects: dict[str, Any], kind: RecordType = RUNS) -> IngestReport:
    """Ingest `objects` as one request would."""
    return ingest(project, kind, [RawItem(index, json.dumps(posted).encode()) for index, posted in enumerate(objects)])


def post_run(project: Project, **changes: Any) -> Run:
    """Ingest one run built by `run_object` and return its record."""
    posted = run_object(**changes)
    report = post(project, posted)
    assert not report.errors, report.errors
    return Run.objects.get(pk=project.record_id(posted["id"]))


def post_steps(project: Project, *objects: dict[str, Any]) -> IngestReport:
    """Ingest steps."""
    return post(project, *objects, kind=STEPS)


def post_assistants(project: Project, **names: str | None) -> IngestReport:
    """Ingest assistants, given as `id=name`."""
    return post(
        project,
        *(assistant_object(id=assistant_id, name=name) for assistant_id, name in names.items()),
        kind=ASSISTANTS,
    )


def post_messages(project: Project, *objects: dict[str, Any]) -> IngestReport:
    """Ingest messages."""
    return post(project, *objects, kind=MESSAGES)


def derive(
    project: Project,
    *derived: DerivedRun,
    source: RunSource = RunSource.OTEL,
    former_ids: Iterable[str] = (),
    aliases: Mapping[str, str] | None = None,
) -> dict[str, Outcome]:
    """Replace derived runs as a post of their objects would."""
    return run_in_derivation_transaction(
        project,
        lambda: replace_derived_runs(
            project,
            source,
            derived,
            former_ids=former_ids,
            aliases=aliases or {},
            receipt=Receipt(timezone.now(), source=source),
        ),
    )


def derived_run(run: dict[str, Any] | None = None, *calls: dict[str, Any], text: str = "Hello.") -> DerivedRun:
    """Return a derived run with a step that calls tools, and a message."""
    run = run or run_object()
    steps = [step_object(run, *calls)] if calls else []
    return DerivedRun(run, steps, [message_object(run, text)])


def delete_run(run: Run) -> DeletionCounts:
    """Delete a run, without an audit event."""
    return delete_stored_runs(run.project, [run.external_id])


def delete_stored_runs(project: Project, run_ids: Iterable[str]) -> DeletionCounts:
    """Delete runs, without an audit event."""
    return delete_runs(project, list(run_ids), lambda _: None)


def make_saved_view(
    project: Project, owner: User, name: str, *, default: bool | None = None, **fields: Any
) -> SavedView:
    """Save a view of the run list."""
    view = SavedView(project=project, owner=owner, name=name, **fields)
    save_view(view, default=default)
    return view


def decide(group: ErrorGroup, state: str, user: User, **ignored: Any) -> None:
    """Set the state of `group`; `ignored` are the other arguments of `build_state_change`."""
    decide_on_error_groups(group.project, [group.pk], build_state_change(state, **ignored), user)
