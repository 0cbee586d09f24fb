"""The command `manage.py export_runs`: an export, imported and exported again, gives the same bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import given
from hypothesis import strategies as st

from runs.ingest import MESSAGES, RUNS, STEPS, RawItem, ingest, ingest_mixed
from runs.models import Project
from tests import factories
from tests.runs import objects
from tests.runs.objects import as_written


def export(project: Project, path: Path, *arguments: str) -> bytes:
    call_command("export_runs", "--project", project.slug, "--output", str(path), *arguments)
    return path.read_bytes()


def awkward() -> list[bytes]:
    """Return objects with everything that a careless export would lose."""
    base = factories.run_object(id="run_base", instructions="Naïve café 漢字 \u2028 😀")
    old = factories.run_object(
        id="run_v1", tools=[{"type": "retrieval"}], file_ids=["file_1"],
        tool_choice=..., truncation_strategy=..., response_format=..., parallel_tool_calls=..., top_p=...,
        max_prompt_tokens=..., max_completion_tokens=..., incomplete_details=...,
    )  # fmt: skip
    unusual = [
        factories.run_object(id="run_null", instructions=None, metadata=None, model=None, usage=None),
        factories.run_object(id="run_list", metadata=[]),
        factories.run_object(id="run_milliseconds", created_at=1_795_000_000_123),
        factories.run_object(id="run_free", status="dreaming", vendor={"b": [1, {"a": None}], "a": True}),
        factories.failed_run(id="run_failed", message="x" * 3000),
        factories.waiting_run(id="run_waiting"),
    ]
    with_escapes = json.dumps(base | {"id": "run_spelled", "temperature": 1}).encode()
    with_escapes = with_escapes.replace(
        b'"metadata": {"customer": "acme"}',
        rb'"metadata": {"nul": "\u0000", "lone": "\ud800", "big": 123456789012345678901234567890,'
        rb' "one": 1.00, "z": 1e2, "a": -0}, "\ud83d": "\/", "exact": 1E+2',
    )
    assert rb"\ud800" in with_escapes
    step = factories.step_object(base, factories.function_call("search_orders", output=None), id="step_1")
    lost = factories.step_object(factories.run_object(id="run_never_came"), id="step_lost", vendor=[1.0])
    message = factories.message_object(base, "\x00 and =1", id="msg_1", metadata={"x": "1"})
    objects_ = [base, old, *unusual, step, lost, message]
    return [*(json.dumps(value).encode() for value in objects_), with_escapes]


def store(project: Project, raws: list[bytes]) -> None:
    report = ingest_mixed(project, [RawItem(index, raw) for index, raw in enumerate(raws)])
    assert report.errors == []


def test_imported_export_gives_the_same_bytes(project: Project, tmp_path: Path) -> None:
    posted = awkward()
    store(project, posted)
    first = export(project, tmp_path / "first.jsonl")
    copy = factories.make_project("copy")
    call_command("import_runs", str(tmp_path / "first.jsonl"), "--project", "copy")
    assert export(copy, tmp_path / "second.jsonl") == first
    exported = {as_written(line)["id"]: as_written(line) for line in first.splitlines()}
    assert exported == {as_written(raw)["id"]: as_written(raw) for raw in posted}


@given(
    st.lists(objects.runs, max_size=4),
    st.lists(objects.steps, max_size=3),
    st.lists(objects.messages, max_size=3),
)
@objects.examples(15)
def test_any_accepted_objects_survive_the_round_trip(
    tmp_path_factory: Any, db: None, runs: list[str], steps: list[str], messages: list[str]
) -> None:
    tmp_path = tmp_path_factory.mktemp("round")
    source, target = (
        factories.make_project(f"source{tmp_path.name}"),
        factories.make_project(f"target{tmp_path.name}"),
    )
    for kind, texts in ((RUNS, runs), (STEPS, steps), (MESSAGES, messages)):
        ingest(source, kind, [RawItem(index, value.encode()) for index, value in enumerate(texts)])
    first = export(source, tmp_path / "first.jsonl")
    call_command("import_runs", str(tmp_path / "first.jsonl"), "--project", target.slug)
    assert export(target, tmp_path / "second.jsonl") == first


def test_runs_precede_steps_and_messages(project: Project, tmp_path: Path) -> None:
    store(project, awkward())
    kinds = [json.loads(line)["object"] for line in export(project, tmp_path / "all.jsonl").splitlines()]
    assert kinds == sorted(kinds, key=["thread.run", "thread.run.step", "thread.message"].index)


def test_stdout_holds_nothing_but_data(project: Project, capfdbinary: Any) -> None:
    posted = factories.run_object()
    factories.post(project, posted)
    call_command("export_runs")
    written = capfdbinary.readouterr()
    assert json.loads(written.out) == posted
    assert written.err == b""


def test_query_string_filters_like_the_run_list(project: Project, tmp_path: Path) -> None:
    failed = factories.failed_run()
    factories.post(project, failed, factories.run_object())
    path = tmp_path / "failed.jsonl"
    assert json.loads(export(project, path, "--query", "?status=failed&status=expired&from=2020-01-01")) == failed


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("staus=failed", "staus: .*did you mean 'status'"),
        ("from=yesterdayish", "from: "),
        ("statsu:failed", "q: column 1: unknown field 'statsu'"),
    ],
)
def test_invalid_query_is_a_one_line_error(project: Project, query: str, words: str) -> None:
    with pytest.raises(CommandError, match=f"^--query: {words}") as raised:
        call_command("export_runs", "--query", query)
    assert "\n" not in str(raised.value)


def test_csv_defaults_to_runs(project: Project, tmp_path: Path) -> None:
    factories.post(project, factories.run_object(id="run_x"))
    header, row = export(project, tmp_path / "runs.csv", "--format", "csv").decode("utf-8-sig").splitlines()
    assert header.startswith("id,status,created_at,")
    assert row.startswith("run_x,completed,2026-")


def test_csv_of_all_kinds_is_rejected(project: Project) -> None:
    with pytest.raises(CommandError, match="one kind"):
        call_command("export_runs", "--format", "csv", "--kind", "all")


def test_interrupted_export_leaves_no_file(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("runs.transfer.exports.render_ndjson", interrupt)
    with pytest.raises(CommandError, match="incomplete") as raised:
        export(project, tmp_path / "out.jsonl")
    assert raised.value.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_unwritable_file_is_a_one_line_error(project: Project, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        export(project, tmp_path / "missing" / "out.jsonl")


def test_unknown_project_is_rejected(project: Project) -> None:
    with pytest.raises(CommandError, match="No project 'nobody'"):
        call_command("export_runs", "--project", "nobody")


def test_query_language_is_accepted(project: Project, tmp_path: Path) -> None:
    factories.post(project, factories.failed_run(id="run_failed"), factories.run_object(id="run_done"))
    call_command("export_runs", "--query=-status:completed", "--output", str(tmp_path / "runs.jsonl"))
    assert [json.loads(line)["id"] for line in (tmp_path / "runs.jsonl").read_text().splitlines()] == ["run_failed"]


def test_otlp_file_has_whole_runs(project: Project, tmp_path: Path) -> None:
    factories.post_run(project)
    (line,) = export(project, tmp_path / "out.jsonl", "--format", "otlp-jsonl").splitlines()
    assert json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] == "invoke_agent asst_concierge"
    with pytest.raises(CommandError, match="leave --kind out"):
        export(project, tmp_path / "out.jsonl", "--format", "otlp-jsonl", "--kind", "steps")
