"""Stored runs, steps and messages give back what was posted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runs.models import Message, Project, Run, RunStep
from runs.protocol import lossless_json
from tests import factories
from tests.factories import (
    failed_run,
    function_call,
    message_object,
    post,
    run_object,
    step_object,
    waiting_run,
)


@pytest.mark.parametrize(
    "posted",
    [
        run_object(),
        run_object(status="queued", started_at=None, completed_at=None, usage=None),
        waiting_run("refund", "notify"),
        failed_run("Something went wrong.", "é漢😀\0"),
        run_object(metadata=[], usage={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}),
        run_object(created_at=1_731_926_000_123, file_ids=[], tool_resources={}, reasoning_effort=None),
        {
            "id": "r",
            "object": "thread.run",
            "created_at": 0,
            "thread_id": "t",
            "assistant_id": "a",
            "status": "s",
        },
    ],
    ids=["completed", "queued", "waiting", "failed", "compatible server", "milliseconds", "smallest"],
)
def test_run_round_trips(project: Project, posted: dict[str, Any]) -> None:
    assert post(project, posted).errors == []
    run = Run.objects.get()
    assert json.loads(run.as_json()) == posted
    assert {name: json.loads(raw) for name, raw in run.members().items()} == posted
    assert str(run) == posted["id"]


def test_json_starts_with_id_and_object(project: Project) -> None:
    run = factories.post_run(project)
    factories.post_steps(project, step_object(run_object()))
    factories.post_messages(project, message_object())
    for record in (run, RunStep.objects.get(), Message.objects.get()):
        assert list(lossless_json.split_object(record.as_json()))[:2] == ["id", "object"]


def test_step_and_message_round_trip(project: Project) -> None:
    step = step_object(run_object(), function_call("f", output=None), metadata={"n": 1}, expired_at=None)
    message = message_object(run_object(), "é漢😀\0", attachments=None)
    factories.post_steps(project, step)
    factories.post_messages(project, message)
    assert json.loads(RunStep.objects.get().as_json()) == step
    assert json.loads(Message.objects.get().as_json()) == message


def test_record_id_depends_on_project_and_external_id(project: Project) -> None:
    run = factories.post_run(project, id="run_é")
    assert run.pk == project.record_id("run_é") == Project.objects.get(pk=project.pk).record_id("run_é")
    assert factories.make_project("other").record_id("run_é") != run.pk
    assert Run.objects.find(project, "run_é") == run
    assert Run.objects.find(project, "run_e") is None
