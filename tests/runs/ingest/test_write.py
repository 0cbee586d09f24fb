"""The write path: configurations once, guarded statements, few queries."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, InternalError, OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs.db import upserts
from runs.ingest import RUNS, RawItem, ingest, write
from runs.models import Configuration, Project, Run
from tests import factories, responses
from tests.factories import NOW, function_tool, post, run_object


@pytest.mark.parametrize(
    ("left", "right", "distinct"),
    [
        ("{}", "{}", 1),
        ('{"temperature":1.0}', '{"temperature":1}', 2),
        ('{"temperature":1.0}', '{ "temperature" :  1.0 }', 1),
        ('{"tools":[{"type":"mcp","a":1}]}', '{"tools":[ {"a":1, "type":"mcp"} ]}', 1),
        ('{"model":"m","top_p":null}', '{"top_p":null,"model":"m"}', 1),
        ('{"top_p":null}', "{}", 2),
        ('{"instructions":"é"}', r'{"instructions":"\u00e9"}', 1),
        ('{"assistant_id":"asst_1"}', '{"assistant_id":"asst_2"}', 2),
        ('{"metadata":{"a":"1"}}', '{"metadata":{"a":"2"}}', 1),
    ],
)
@pytest.mark.parametrize("together", [True, False], ids=["in one request", "one by one"])
def test_equal_configurations_are_stored_once(
    project: Project, left: str, right: str, distinct: int, together: bool
) -> None:
    head = '{"object":"thread.run","created_at":1,"thread_id":"t","status":"queued","id":"%s"%s,'
    assistant = '"assistant_id":"a",'
    raws = [
        (head % (name, "") + ("" if "assistant_id" in fields else assistant) + fields[1:]).replace(",}", "}")
        for name, fields in (("one", left), ("two", right))
    ]
    for batch in [raws] if together else [[raw] for raw in raws]:
        report = ingest(project, RUNS, [RawItem(index, raw.encode()) for index, raw in enumerate(batch)])
        assert report.errors == []
    assert Configuration.objects.count() == distinct
    for name, raw in zip(("one", "two"), raws, strict=True):
        assert json.loads(Run.objects.get(external_id=name).as_json()) == json.loads(raw)


def test_projects_do_not_share_configurations(project: Project) -> None:
    posted = run_object()
    for space in (project, factories.make_project("other")):
        post(space, posted)
    assert sorted(Configuration.objects.values_list("project__slug", flat=True)) == ["default", "other"]


def test_configuration_columns_are_filled(project: Project) -> None:
    run = factories.post_run(project, tools=[function_tool("b"), {"type": "file_search"}, function_tool("a")])
    configuration = run.configuration
    assert (configuration.model, configuration.instructions) == ("gpt-4o-mini", "You help people find their orders.")
    assert (configuration.tool_types, configuration.function_names) == (["function", "file_search"], ["b", "a"])
    assert (configuration.assistant_id, configuration.project) == ("asst_concierge", project)


@pytest.mark.parametrize("changes", [{}, {"status": "queued"}], ids=["the same again", "with changes"])
def test_query_count_is_independent_of_batch_size(project: Project, changes: dict[str, Any]) -> None:
    counts = []
    for size in (40, 200):
        posted = [run_object(status="in_progress", completed_at=None, usage=None) for _ in range(size)]
        post(project, *posted)
        with CaptureQueriesContext(connection) as queries:
            post(project, *(run | changes for run in posted))
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("size", [1, 31, 32, 33, 64, 1001])
def test_batches_of_every_size_are_stored(project: Project, size: int) -> None:
    posted = [run_object(metadata={"n": str(number)}) for number in range(size)]
    post(project, *posted[::-1])
    assert post(project, *posted).counts["unchanged"] == size
    assert Run.objects.count() == size
    assert Run.objects.get(external_id=posted[-1]["id"]).metadata == {"n": str(size - 1)}


@pytest.mark.parametrize(
    "text",
    ["\\", "\\N", "\t", "\n", "\r", '"', "'", "{a,b}", "NULL", "", "\\.", "%s", "漢\u2028😀", "\x01\x7f"],
    ids=ascii,
)
@pytest.mark.parametrize("size", [1, 40], ids=["in one statement", "through COPY"])
def test_special_characters_are_stored_unchanged(project: Project, text: str, size: int) -> None:
    action = factories.waiting_run(text or "f", "second", metadata={text: text}, model=text)
    posted = [action | {"id": f"run_{number}", "unknown": text} for number in range(size)]
    post(project, *posted)
    run = Run.objects.get(external_id="run_0")
    assert (run.model, run.pending_functions, run.metadata) == (text or None, [text or "f", "second"], {text: text})
    assert json.loads(run.as_json()) == posted[0]


@pytest.mark.parametrize("cause", [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure])
def test_deadlock_is_retried(project: Project, monkeypatch: pytest.MonkeyPatch, cause: type[Exception]) -> None:
    post(project, run_object())  # its configuration is known from here on
    once, tries = write._write_once, []

    def unlucky(*arguments: Any) -> Any:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError from cause()
        return once(*arguments)

    monkeypatch.setattr(write, "_write_once", unlucky)
    assert post(project, run_object()).counts["created"] == 1
    assert len(tries) == 3


def test_unavailable_database_is_not_retried(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def away(*_: Any) -> None:
        tries.append(1)
        raise OperationalError from psycopg.errors.AdminShutdown()

    monkeypatch.setattr(write, "_write_once", away)
    with pytest.raises(OperationalError):
        post(project, run_object())
    assert tries == [1]


@pytest.mark.parametrize(
    ("error", "cause", "refused"),
    [
        (OperationalError, psycopg.errors.ProgramLimitExceeded, True),
        (InternalError, psycopg.errors.InternalError_, True),
        (OperationalError, psycopg.errors.AdminShutdown, False),
        (OperationalError, psycopg.errors.DeadlockDetected, False),
    ],
)
def test_only_value_errors_count_as_refused(error: type[Exception], cause: type[Exception], refused: bool) -> None:
    raised = error()
    raised.__cause__ = cause()
    assert write.is_value_refused(raised) is refused


RUN = run_object(id="run_of_parts")


def _build_many(path: str, number: int, status: str) -> dict[str, Any]:
    """Build the object of that number for `path`, in an earlier or later state."""
    builders: dict[str, Callable[[], dict[str, Any]]] = {
        "runs": lambda: run_object(id=f"run_{number}", created_at=NOW, status=status, completed_at=...),
        "steps": lambda: factories.step_object(RUN, id=f"step_{number}", created_at=NOW, status=status),
        "messages": lambda: factories.message_object(RUN, status, id=f"msg_{number}", created_at=NOW),
        "assistants": lambda: factories.assistant_object(id=f"asst_{number}", name=status, created_at=NOW),
        "responses": lambda: responses.response_object(id=f"resp_{number}", status=status),
    }
    return builders[path]()


@pytest.mark.parametrize("path", ["runs", "steps", "messages", "assistants", "responses"])
def test_many_stored_objects_are_updated(client: Client, project: Project, path: str) -> None:
    factories.post(project, RUN)
    headers = {"authorization": f"Bearer {factories.make_key(project)}"}
    count = 2 * upserts._MAX_INLINE_ROWS
    reports = []
    for status in ("in_progress", "completed"):
        body = json.dumps([_build_many(path, number, status) for number in range(count)])
        reports.append(client.post(f"/api/v1/{path}", body, "application/json", headers=headers).json())
    assert [(report["created"], report["updated"], report["errors"]) for report in reports] == [
        (count, 0, []),
        (0, count, []),
    ]


def test_broken_constraint_is_no_concurrent_write(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[int] = []

    def refuse(*_: Any) -> None:
        attempts.append(1)
        raise IntegrityError from psycopg.errors.NotNullViolation()

    monkeypatch.setattr(write, "_write_once", refuse)
    with pytest.raises(IntegrityError):
        post(project, run_object())
    assert len(attempts) == 1
