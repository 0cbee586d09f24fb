"""The command `manage.py import_runs`: its output, exit codes and files."""

from __future__ import annotations

import gzip
import io
import json
import os
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from runs.management.progress import ProgressBar
from runs.models import Assistant, Message, Project, Run, RunStep
from runs.responses import ingest_any
from runs.transfer import imports
from runs.transfer.import_records import storage
from tests import factories
from tests.factories import assistant_object, message_object, run_object, step_object


def run_import(*arguments: str | Path, **options: Any) -> tuple[str, CommandError | None]:
    """Run the command and return its output and its error."""
    out = io.StringIO()
    try:
        call_command("import_runs", *map(str, arguments), stdout=out, **options)
    except CommandError as error:
        return out.getvalue(), error
    return out.getvalue(), None


def parse_counts(printed: str) -> dict[str, int]:
    rows = (
        line.split() for line in printed.splitlines() if line.startswith("  ") and "\N{MULTIPLICATION SIGN}" not in line
    )
    return {row[0]: int(row[-1].replace(",", "")) for row in rows if len(row) == 2}


def write(path: Path, *objects: Any) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in objects))
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a file with a run, its step and its message, and two more runs."""
    run = run_object()
    return write(tmp_path / "data.ndjson", step_object(run), message_object(run), run, run_object(), run_object())


def test_assistant_names_are_imported(project: Project, tmp_path: Path) -> None:
    listed = {"object": "list", "data": [assistant_object(id="asst_a", name="Returns desk")]}
    printed, error = run_import(write(tmp_path / "mixed.ndjson", run_object(), listed))
    assert error is None
    assert parse_counts(printed)["created"] == 2
    assert Assistant.objects.names_by_id(project, ["asst_a"]) == {"asst_a": "Returns desk"}


def test_all_records_are_stored_and_counted(project: Project, data: Path) -> None:
    printed, error = run_import(data)
    assert error is None
    assert parse_counts(printed) == {"created": 5, "updated": 0, "unchanged": 0, "stale": 0, "rejected": 0}
    assert "runs of revision v2" in printed
    assert (Run.objects.count(), RunStep.objects.count(), Message.objects.count()) == (3, 1, 1)


def test_second_import_changes_nothing(project: Project, data: Path) -> None:
    run_import(data)
    printed, error = run_import(data)
    assert error is None
    assert parse_counts(printed) == {"created": 0, "updated": 0, "unchanged": 5, "stale": 0, "rejected": 0}


def test_outcomes_are_counted(project: Project, tmp_path: Path) -> None:
    early = run_object(id="run_1", status="in_progress", completed_at=None, usage=None)
    late = run_object(id="run_1")
    printed, error = run_import(
        write(tmp_path / "1.json", early), write(tmp_path / "2.json", late),
        write(tmp_path / "3.json", late, early),
        write(tmp_path / "4.json", {"object": "thread.run"}),
    )  # fmt: skip
    assert error is not None
    assert parse_counts(printed) == {"created": 1, "updated": 1, "unchanged": 1, "stale": 1, "rejected": 1}


def test_warnings_are_counted(project: Project, tmp_path: Path) -> None:
    path = write(tmp_path / "1.json", run_object(created_at=1, started_at=1, completed_at=1), run_object())
    printed, error = run_import(path)
    assert error is None
    assert parse_counts(printed)["warnings"] == 1
    assert "1 × /created_at: 1970-01-01 00:00:01 UTC is not plausible" in printed  # noqa: RUF001


def test_dry_run_reports_but_stores_nothing(project: Project, data: Path) -> None:
    printed, error = run_import("--dry-run", data)
    assert error is None
    assert printed.startswith("Dry run, nothing was stored:")
    assert parse_counts(printed)["created"] == 5
    assert not Run.objects.exists()


def test_rejected_records_fail_but_others_are_stored(project: Project, tmp_path: Path) -> None:
    invalid = run_object(id="run_wrong", status=7)
    path = write(tmp_path / "runs.ndjson", run_object(), invalid, {"object": "response", "id": "resp_1"})
    printed, error = run_import(path)
    assert error is not None
    assert (str(error), error.returncode) == ("2 of 3 records were rejected", 1)
    assert parse_counts(printed)["created"] == 1
    assert f"rejected   {path}:2 run_wrong: /status " in printed
    assert f"rejected   {path}:3 resp_1: " in printed
    assert " 1 \N{MULTIPLICATION SIGN} /status: " in printed
    assert Run.objects.count() == 1


def test_rejects_file_holds_rejected_records(project: Project, tmp_path: Path) -> None:
    invalid = run_object(id="run_wrong", status=7)
    path = write(tmp_path / "runs.ndjson", run_object(), invalid)
    with path.open("ab") as file:
        file.write(b'{"id": "\xff"}\n')
    rejects_path = tmp_path / "rejected.jsonl"
    _, error = run_import(path, "--rejects", rejects_path)
    assert error is not None
    first, second = map(json.loads, rejects_path.read_text().splitlines())
    assert {name: first[name] for name in ("source", "line", "id")} == {
        "source": str(path), "line": 2, "id": "run_wrong"
    }  # fmt: skip
    assert [problem["path"] for problem in first["problems"]] == ["/status"]
    assert json.loads(first["raw"]) == invalid
    assert (second["line"], second["raw"]) == (3, '{"id": "\\xff"}')


def test_rejects_file_is_empty_without_rejects(project: Project, data: Path, tmp_path: Path) -> None:
    _, error = run_import(data, "--rejects", tmp_path / "rejected.jsonl")
    assert error is None
    assert (tmp_path / "rejected.jsonl").read_text() == ""


@pytest.mark.parametrize("name", ["data.ndjson", "new.jsonl"])
def test_rejects_file_may_not_be_an_input(project: Project, data: Path, name: str) -> None:
    content = data.read_bytes()
    rejects_path = data.parent / name
    _, error = run_import(data.parent, "--rejects", rejects_path)
    assert error is not None
    assert f"{rejects_path} is one of the files to import" in str(error)
    assert data.read_bytes() == content
    assert not Run.objects.exists()


def test_failed_start_keeps_the_rejects_file(project: Project, tmp_path: Path) -> None:
    rejects_path = tmp_path / "rejected.jsonl"
    rejects_path.write_text("precious")
    for arguments in (("missing.json",), (str(rejects_path), "--project", "nope")):
        _, error = run_import(*arguments, "--rejects", rejects_path)
        assert error is not None
        assert rejects_path.read_text() == "precious"


@pytest.mark.parametrize(("verbosity", "expected"), [(1, 0), (2, 5)])
def test_verbose_output_lists_every_record(project: Project, data: Path, verbosity: int, expected: int) -> None:
    printed, _ = run_import(data, verbosity=verbosity)
    verdicts = [line.split() for line in printed.splitlines() if line.startswith("created   ")]
    assert len(verdicts) == expected
    stored = {*Run.objects.values_list("external_id", flat=True)}
    assert not expected or {name for _, name in verdicts} > stored


def test_control_characters_are_escaped(project: Project, tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", run_object(id="run_\x1b[2J\ud800"), run_object(id="run_\x07\x9b"))
    printed, error = run_import(path, verbosity=2)
    assert error is not None
    assert "run_\\x1b[2J" in printed
    assert "run_\\x07\\x9b" in printed
    assert "\x1b" not in printed
    printed.encode()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.json"], "missing.json"),
        (["--project", "nope", "x"], "No project 'nope'"),
        ([], "PATH"),
    ],
)
def test_missing_input_is_a_one_line_error(project: Project, arguments: list[str], message: str) -> None:
    _, error = run_import(*arguments)
    assert error is not None
    assert message in str(error)
    assert "\n" not in str(error).strip()
    assert error.returncode == 1


def test_records_before_damage_are_stored(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "runs.ndjson.gz"
    runs = [run_object(instructions=f"No. {number}") for number in range(100)]
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, runs)).encode())[:-60])
    printed, error = run_import(path)
    assert error is not None
    assert str(error).startswith(f"{path}: the gzip data is damaged")
    assert parse_counts(printed)["created"] == Run.objects.count() > 50


def test_files_after_damaged_ones_are_imported(project: Project, tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps(run_object()).encode())
    (tmp_path / "a.json.gz").write_bytes(packed[:-9])
    (tmp_path / "b.zip").write_bytes(b"PK\x03\x04 no archive")
    write(tmp_path / "c.json", run_object(), {"object": "thread.run"})
    printed, error = run_import(tmp_path)
    assert parse_counts(printed)["created"] == Run.objects.count() == 2
    lines = str(error).splitlines()
    assert lines[0].startswith(f"{tmp_path}/a.json.gz: the gzip data is damaged")
    assert lines[1:] == [
        f"{tmp_path}/b.zip: the zip archive is damaged: File is not a zip file",
        "1 of 3 records were rejected",
    ]


def test_skipped_files_are_listed(project: Project, tmp_path: Path) -> None:
    write(tmp_path / "a.json", run_object())
    for number in range(12):
        (tmp_path / f"notes-{number:02}.txt").write_text("no run")
    printed, error = run_import(tmp_path)
    assert error is None
    assert f"skipped: nothing to import: {tmp_path}/notes-00.txt" in printed
    assert printed.endswith("notes-09.txt\nand 2 more\n")


def test_skipped_archive_members_are_listed(project: Project, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "runs.zip", "w") as archive:
        archive.writestr("a.json", json.dumps(run_object()))
        archive.writestr("notes.txt", "not JSON")
    printed, error = run_import(tmp_path)
    assert error is None
    assert f"skipped: nothing to import: {tmp_path}/runs.zip/notes.txt" in printed


def test_folders_and_files_can_be_mixed(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    write(folder / "a.jsonl", run_object())
    (folder / "b.json.gz").write_bytes(gzip.compress(json.dumps([run_object(), run_object()]).encode()))
    printed, error = run_import(folder, write(tmp_path / "c", run_object()))
    assert error is None
    assert parse_counts(printed)["created"] == 4


def test_standard_input_is_imported(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps([run_object()]).encode())))
    printed, error = run_import("-")
    assert error is None
    assert parse_counts(printed)["created"] == 1


def test_named_pipe_is_imported(project: Project, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(json.dumps(run_object()),))
    writer.start()
    printed, error = run_import(pipe)
    writer.join()
    assert error is None
    assert parse_counts(printed)["created"] == 1


def test_project_option_selects_the_project(project: Project, data: Path) -> None:
    other = factories.make_project("other")
    run_import(data, "--project", "other")
    assert {run.project for run in Run.objects.all()} == {other}


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        (OperationalError("server gone"), "is unavailable: server gone", 1),
        (KeyboardInterrupt(), "Interrupted", 130),
    ],
)
def test_early_end_keeps_stored_records(
    project: Project, data: Path, monkeypatch: pytest.MonkeyPatch,
    error: BaseException, message: str, code: int,
) -> None:  # fmt: skip
    ingest, calls = ingest_any, []

    def interrupted(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise error
        return ingest(*arguments, **options)

    monkeypatch.setattr(imports, "_MAX_BATCH_RECORDS", 3)
    monkeypatch.setattr(storage, "ingest_any", interrupted)
    printed, error = run_import(data)
    assert error is not None
    assert message in str(error)
    assert "can be repeated" in str(error)
    assert error.returncode == code
    assert parse_counts(printed)["created"] == 3
    monkeypatch.undo()
    assert parse_counts(run_import(data)[0]) == {
        "created": 2,
        "updated": 0,
        "unchanged": 3,
        "stale": 0,
        "rejected": 0,
    }


def test_progress_counts_bytes_of_all_files(
    project: Project, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "again.ndjson").write_bytes(data.read_bytes())
    shown: list[tuple[int, str]] = []
    monkeypatch.setattr(ProgressBar, "show", lambda _bar, done, details: shown.append((done, details)))
    run_import(data, tmp_path / "again.ndjson")
    size = data.stat().st_size
    assert shown == [(size, "5 records"), (2 * size, "10 records")]
