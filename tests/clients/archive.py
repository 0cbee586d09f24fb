"""What the live server holds, what a client is asked about it, and what it must answer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runs.ingest import MESSAGES, RUNS, STEPS
from runs.models import Message, Project, Run, RunStep
from tests import factories

Objects = dict[str, list[dict[str, Any]]]

MOST_ALONE = 12  # of one thread's runs are asked for one by one; all of them are listed


@dataclass(frozen=True)
class Archive:
    """A live server with the objects of one project, and a key to them."""

    url: str
    key: str
    project: Project

    def assignment(self) -> dict[str, Any]:
        """The questions, for a client that may be another process or another language."""
        threads = [self._questions(thread_id) for thread_id in self._thread_ids()]
        return {"url": self.url, "key": self.key, "threads": threads}

    def expected(self) -> dict[str, Any]:
        """The answers by their questions, from what is stored."""
        answers: dict[str, Any] = dict(_UNKNOWN)
        for thread_id in self._thread_ids():
            runs, messages = self._runs(thread_id), self._messages(thread_id)
            answers[f"thread {thread_id}"] = _thread(thread_id, [*runs, *messages])
            answers |= _listed(f"runs of {thread_id}", runs) | _each("run", runs[:MOST_ALONE])
            answers |= _listed(f"messages of {thread_id}", messages) | _each("message", messages)
            answers[f"runs of {thread_id} before the last"] = [_as_value(run) for run in runs[:-1]]
            for run in runs[:MOST_ALONE]:
                answers |= _listed(f"steps of {run.external_id}", _steps(run))
                answers |= _each(f"step of {run.external_id}", _steps(run))
        return answers

    def threads(self) -> list[str]:
        """The ids of all threads, oldest first."""
        opened = {
            each: _thread(each, [*self._runs(each), *self._messages(each)])["created_at"] for each in self._thread_ids()
        }
        return sorted(opened, key=lambda each: (opened[each], each))

    def _questions(self, thread_id: str) -> dict[str, Any]:
        runs = self._runs(thread_id)
        return {
            "id": thread_id,
            "count": len(runs),
            "last": runs[-1].external_id if runs else None,
            "runs": {run.external_id: [step.external_id for step in _steps(run)] for run in runs[:MOST_ALONE]},
            "messages": [message.external_id for message in self._messages(thread_id)],
        }

    def _thread_ids(self) -> list[str]:
        known = set(Run.objects.in_project(self.project).values_list("thread_id", flat=True))
        return sorted(known | set(Message.objects.in_project(self.project).values_list("thread_id", flat=True)))

    def _runs(self, thread_id: str) -> list[Run]:
        return list(Run.objects.in_thread(self.project, thread_id).order_by("created_at", "id"))

    def _messages(self, thread_id: str) -> list[Message]:
        return list(Message.objects.in_thread(self.project, thread_id).order_by("created_at", "id"))


def differences(answers: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Which questions were answered otherwise; names them, for objects are long."""
    questions = sorted(answers.keys() | expected.keys())
    return [each for each in questions if answers.get(each, ...) != expected.get(each, ...)]


def own_objects() -> Objects:
    """A thread of 45 runs, many in one second, one of each kind of run, and one of messages alone."""
    many = [factories.run_object(thread_id="thread_many", created_at=factories.NOW + n // 4) for n in range(45)]
    kinds = [
        factories.run_object(thread_id="thread_kinds"),
        factories.failed_run(thread_id="thread_kinds"),
        factories.waiting_run("issue_refund", "notify", thread_id="thread_kinds"),
        factories.run_object(thread_id="thread_kinds", status="in_progress", completed_at=None, usage=None),
        factories.run_object(thread_id="thread_kinds", file_ids=[], tools=[{"type": "retrieval"}], usage=...),
        factories.run_object(thread_id="thread_kinds", tools=[_MCP], tool_resources={"mcp": []}, instructions=None),
        factories.run_object(thread_id="thread_kinds", id="läufe/2026 №1", status="paused", metadata={"ё": "\0"}),
    ]
    steps = [factories.step_object(run) for run in many[:5]]
    steps += [factories.step_object(kinds[0], factories.function_call(f"call_{n}")) for n in range(6)]
    steps.append(factories.step_object(kinds[5], type="activities", step_details=_ACTIVITIES, metadata=None))
    steps[-1].pop("expires_at")
    messages = [factories.message_object(run, "Here it is. 👋") for run in many[:15]]
    messages += [factories.message_object(text=f"Question {n}", thread_id="thread_said") for n in range(3)]
    return {"runs": [*many, *kinds], "steps": steps, "messages": messages}


def real_objects(folder: Path) -> Objects:
    """Objects that servers sent, from `runs.jsonl`, `steps.jsonl` and `messages.jsonl`."""
    return {
        name: [json.loads(line) for line in (folder / f"{name}.jsonl").read_bytes().splitlines()]
        for name in ("runs", "steps", "messages")
    }


def store(project: Project, objects: Objects) -> None:
    """Ingest all of it."""
    for name, kind in (("runs", RUNS), ("steps", STEPS), ("messages", MESSAGES)):
        report = factories.post(project, *objects[name], kind=kind)
        assert not report.errors


_MCP = {"type": "mcp", "server_label": "docs", "server_url": "https://example.org/mcp", "allowed_tools": []}
_ACTIVITIES = {"type": "activities", "activities": [{"id": "mcpl_1", "type": "mcp_list_tools", "tools": {}}]}

_UNKNOWN = {
    "unknown thread": "404: No thread found with id 'thread_unknown'.",
    "unknown run": "404: No run found with id 'run_unknown'.",
    "unknown step": "404: No run step found with id 'step_unknown'.",
    "unknown message": "404: No message found with id 'msg_unknown'.",
    "unknown cursor": "404: No run found with id 'run_unknown'.",
}


def _steps(run: Run) -> list[RunStep]:
    return list(RunStep.objects.filter(run_id=run.pk).order_by("created_at", "external_id"))


def _thread(thread_id: str, known: list[Run | Message]) -> dict[str, Any]:
    created_at = min(int(each.created_at.timestamp()) for each in known)
    return {
        "id": thread_id,
        "object": "thread",
        "created_at": created_at,
        "tool_resources": None,
        "metadata": {},
    }


def _as_value(record: Run | RunStep | Message) -> Any:
    return json.loads(record.as_json())


def _listed(question: str, records: Iterable[Run | RunStep | Message]) -> dict[str, Any]:
    values = [_as_value(record) for record in records]
    return {f"{question} asc": values, f"{question} desc": values[::-1]}


def _each(question: str, records: Iterable[Run | RunStep | Message]) -> dict[str, Any]:
    return {f"{question} {record.external_id}": _as_value(record) for record in records}
