"""The objects on the live server, the task of a client, and the results that it must return."""

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

MAX_SINGLE_RUNS = 12  # per thread that are requested one by one; lists hold all of them


@dataclass(frozen=True)
class Archive:
    """A live server with the objects of one project, and an API key for them."""

    url: str
    key: str
    project: Project

    def build_task(self) -> dict[str, Any]:
        """Return what to read, as JSON for clients in other processes and languages."""
        threads = [self._build_thread_task(thread_id) for thread_id in self._thread_ids()]
        return {"url": self.url, "key": self.key, "threads": threads}

    def expected_results(self) -> dict[str, Any]:
        """Return the expected results by name, from what is stored."""
        results: dict[str, Any] = dict(_UNKNOWN_ID_ERRORS)
        for thread_id in self._thread_ids():
            runs, messages = self._runs(thread_id), self._messages(thread_id)
            results[f"thread {thread_id}"] = _build_thread(thread_id, [*runs, *messages])
            results |= _expect_lists(f"runs of {thread_id}", runs) | _expect_objects("run", runs[:MAX_SINGLE_RUNS])
            results |= _expect_lists(f"messages of {thread_id}", messages) | _expect_objects("message", messages)
            results[f"runs of {thread_id} before the last"] = [_parse_record(run) for run in runs[:-1]]
            for run in runs[:MAX_SINGLE_RUNS]:
                results |= _expect_lists(f"steps of {run.external_id}", _fetch_steps(run))
                results |= _expect_objects(f"step of {run.external_id}", _fetch_steps(run))
        return results

    def threads(self) -> list[str]:
        """Return the ids of all threads, oldest first."""
        created_at = {
            thread_id: _build_thread(thread_id, [*self._runs(thread_id), *self._messages(thread_id)])["created_at"]
            for thread_id in self._thread_ids()
        }
        return sorted(created_at, key=lambda thread_id: (created_at[thread_id], thread_id))

    def _build_thread_task(self, thread_id: str) -> dict[str, Any]:
        runs = self._runs(thread_id)
        return {
            "id": thread_id,
            "count": len(runs),
            "last": runs[-1].external_id if runs else None,
            "runs": {
                run.external_id: [step.external_id for step in _fetch_steps(run)] for run in runs[:MAX_SINGLE_RUNS]
            },
            "messages": [message.external_id for message in self._messages(thread_id)],
        }

    def _thread_ids(self) -> list[str]:
        known = set(Run.objects.in_project(self.project).values_list("thread_id", flat=True))
        return sorted(known | set(Message.objects.in_project(self.project).values_list("thread_id", flat=True)))

    def _runs(self, thread_id: str) -> list[Run]:
        return list(Run.objects.in_thread(self.project, thread_id).order_by("created_at", "id"))

    def _messages(self, thread_id: str) -> list[Message]:
        return list(Message.objects.in_thread(self.project, thread_id).order_by("created_at", "id"))


def find_differences(results: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Return the names of results that differ. The objects themselves would be too long to show."""
    names = sorted(results.keys() | expected.keys())
    return [name for name in names if results.get(name, ...) != expected.get(name, ...)]


def make_objects() -> Objects:
    """Return three threads: with 45 runs, some per second, with different kinds of runs, and with messages only."""
    many = [factories.run_object(thread_id="thread_many", created_at=factories.NOW + n // 4) for n in range(45)]
    kinds = [
        factories.run_object(thread_id="thread_kinds"),
        factories.failed_run(thread_id="thread_kinds"),
        factories.waiting_run("issue_refund", "notify", thread_id="thread_kinds"),
        factories.run_object(thread_id="thread_kinds", status="in_progress", completed_at=None, usage=None),
        factories.run_object(thread_id="thread_kinds", file_ids=[], tools=[{"type": "retrieval"}], usage=...),
        factories.run_object(thread_id="thread_kinds", tools=[_MCP], tool_resources={"mcp": []}, instructions=None),
        factories.run_object(thread_id="thread_kinds", id="läufe 2026 №1", status="paused", metadata={"ё": "\0"}),
    ]
    steps = [factories.step_object(run) for run in many[:5]]
    steps += [factories.step_object(kinds[0], factories.function_call(f"call_{n}")) for n in range(6)]
    steps.append(factories.step_object(kinds[5], type="activities", step_details=_ACTIVITIES, metadata=None))
    steps[-1].pop("expires_at")
    messages = [factories.message_object(run, "Here it is. 👋") for run in many[:15]]
    messages += [factories.message_object(text=f"Question {n}", thread_id="thread_said") for n in range(3)]
    return {"runs": [*many, *kinds], "steps": steps, "messages": messages}


def load_real_objects(folder: Path) -> Objects:
    """Return objects of real servers from `runs.jsonl`, `steps.jsonl` and `messages.jsonl`."""
    return {
        name: [json.loads(line) for line in (folder / f"{name}.jsonl").read_bytes().splitlines()]
        for name in ("runs", "steps", "messages")
    }


def store_objects(project: Project, objects: Objects) -> None:
    """Store the objects."""
    for name, record_type in (("runs", RUNS), ("steps", STEPS), ("messages", MESSAGES)):
        report = factories.post(project, *objects[name], kind=record_type)
        assert not report.errors


_MCP = {"type": "mcp", "server_label": "docs", "server_url": "https://example.org/mcp", "allowed_tools": []}
_ACTIVITIES = {"type": "activities", "activities": [{"id": "mcpl_1", "type": "mcp_list_tools", "tools": {}}]}

_UNKNOWN_ID_ERRORS = {
    "unknown thread": "404: No thread found with id 'thread_unknown'.",
    "unknown run": "404: No run found with id 'run_unknown'.",
    "unknown step": "404: No run step found with id 'step_unknown'.",
    "unknown message": "404: No message found with id 'msg_unknown'.",
    "unknown cursor": "404: No run found with id 'run_unknown'.",
}


def _fetch_steps(run: Run) -> list[RunStep]:
    return list(RunStep.objects.filter(run_id=run.pk).order_by("created_at", "external_id"))


def _build_thread(thread_id: str, records: list[Run | Message]) -> dict[str, Any]:
    created_at = min(int(record.created_at.timestamp()) for record in records)
    return {
        "id": thread_id,
        "object": "thread",
        "created_at": created_at,
        "tool_resources": None,
        "metadata": {},
    }


def _parse_record(record: Run | RunStep | Message) -> Any:
    return json.loads(record.as_json())


def _expect_lists(name: str, records: Iterable[Run | RunStep | Message]) -> dict[str, Any]:
    values = [_parse_record(record) for record in records]
    return {f"{name} asc": values, f"{name} desc": values[::-1]}


def _expect_objects(name: str, records: Iterable[Run | RunStep | Message]) -> dict[str, Any]:
    return {f"{name} {record.external_id}": _parse_record(record) for record in records}
