"""`manage.py import_runs`."""

from __future__ import annotations

import gzip
import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from runs.ingest import ingest_mixed
from runs.management.progress import Progress
from runs.models import Assistant, Message, Project, Run, RunStep
from runs.transfer import imports
from tests import factories
from tests.factories import assistant_object, message_object, run_object, step_object


def run_import(*arguments: str | Path, **options: Any) -> tuple[str, CommandError | None]:
    """What was printed, and how it failed."""
    out = io.StringIO()
    try:
        call_command("import_runs", *map(str, arguments), stdout=out, **options)
    except CommandError as error:
        return out.getvalue(), error
    return out.getvalue(), None


def table(printed: str) -> dict[str, int]:
    rows = (
        line.split() for line in printed.splitlines() if line.startswith("  ") and "\N{MULTIPLICATION SIGN}" not in line
    )
    return {row[0]: int(row[-1].replace(",", "")) for row in rows if len(row) == 2}


def write(path: Path, *objects: Any) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in objects))
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A run with a step and a message, and two more runs."""
    run = run_object()
    return write(tmp_path / "data.ndjson", step_object(run), message_object(run), run, run_object(), run_object())


def test_names_of_assistants_are_imported_beside_runs(project: Project, tmp_path: Path) -> None:
    listed = {"object": "list", "data": [assistant_object(id="asst_a", name="Returns desk")]}
    printed, error = run_import(write(tmp_path / "mixed.ndjson", run_object(), listed))
    assert error is None
    assert table(printed)["created"] == 2
    assert Assistant.objects.names_by_id(project, ["asst_a"]) == {"asst_a": "Returns desk"}


def test_everything_is_stored_and_counted(project: Project, data: Path) -> None:
    printed, error = run_import(data)
    assert error is None
    assert table(printed) == {"created": 5, "updated": 0, "unchanged": 0, "stale": 0, "rejected": 0}
    assert "runs of revision v2" in printed
    assert (Run.objects.count(), RunStep.objects.count(), Message.objects.count()) == (3, 1, 1)


def test_a_repetition_changes_nothing(project: Project, data: Path) -> None:
    run_import(data)
    printed, error = run_import(data)
    assert error is None
    assert table(printed) == {"created": 0, "updated": 0, "unchanged": 5, "stale": 0, "rejected": 0}


def test_every_outcome_is_counted(project: Project, tmp_path: Path) -> None:
    early = run_object(id="run_1", status="in_progress", completed_at=None, usage=None)
    late = run_object(id="run_1")
    printed, error = run_import(
        write(tmp_path / "1.json", early), write(tmp_path / "2.json", late),
        write(tmp_path / "3.json", late, early),
        write(tmp_path / "4.json", {"object": "thread.run"}),
    )  # fmt: skip
    assert error is not None
    assert table(printed) == {"created": 1, "updated": 1, "unchanged": 1, "stale": 1, "rejected": 1}


def test_a_dry_run_says_what_would_happen_and_stores_nothing(project: Project, data: Path) -> None:
    printed, error = run_import("--dry-run", data)
    assert error is None
    assert printed.startswith("would be (dry run, nothing was stored):")
    assert table(printed)["created"] == 5
    assert not Run.objects.exists()


def test_rejected_records_are_an_error_but_the_others_are_stored(project: Project, tmp_path: Path) -> None:
    wrong = run_object(id="run_wrong", status=7)
    path = write(tmp_path / "runs.ndjson", run_object(), wrong, {"object": "response", "id": "resp_1"})
    printed, error = run_import(path)
    assert error is not None
    assert (str(error), error.returncode) == ("2 of 3 records were rejected", 1)
    assert table(printed)["created"] == 1
    assert f"rejected   {path}:2 run_wrong: /status " in printed
    assert f"rejected   {path}:3 resp_1: " in printed
    assert " 1 \N{MULTIPLICATION SIGN} /status: " in printed
    assert Run.objects.count() == 1


def test_rejected_records_are_written_aside_on_request(project: Project, tmp_path: Path) -> None:
    wrong = run_object(id="run_wrong", status=7)
    path = write(tmp_path / "runs.ndjson", run_object(), wrong)
    with path.open("ab") as file:
        file.write(b'{"id": "\xff"}\n')
    aside = tmp_path / "rejected.jsonl"
    _, error = run_import(path, "--rejects", aside)
    assert error is not None
    first, second = map(json.loads, aside.read_text().splitlines())
    assert {name: first[name] for name in ("source", "line", "id")} == {
        "source": str(path), "line": 2, "id": "run_wrong"
    }  # fmt: skip
    assert [each["path"] for each in first["problems"]] == ["/status"]
    assert json.loads(first["raw"]) == wrong
    assert (second["line"], second["raw"]) == (3, '{"id": "\\xff"}')


def test_without_rejects_the_side_file_is_empty(project: Project, data: Path, tmp_path: Path) -> None:
    _, error = run_import(data, "--rejects", tmp_path / "rejected.jsonl")
    assert error is None
    assert (tmp_path / "rejected.jsonl").read_text() == ""


@pytest.mark.parametrize("name", ["data.ndjson", "new.jsonl"])
def test_the_side_file_is_never_one_that_is_read(project: Project, data: Path, name: str) -> None:
    content = data.read_bytes()
    aside = data.parent / name
    _, error = run_import(data.parent, "--rejects", aside)
    assert error is not None
    assert f"{aside} is among the files to import" in str(error)
    assert data.read_bytes() == content
    assert not Run.objects.exists()


def test_nothing_is_overwritten_where_nothing_is_imported(project: Project, tmp_path: Path) -> None:
    aside = tmp_path / "rejected.jsonl"
    aside.write_text("precious")
    for arguments in (("missing.json",), (str(aside), "--project", "nope")):
        _, error = run_import(*arguments, "--rejects", aside)
        assert error is not None
        assert aside.read_text() == "precious"


@pytest.mark.parametrize(("verbosity", "expected"), [(1, 0), (2, 5)])
def test_a_verdict_per_record_is_there_for_the_asking(
    project: Project, data: Path, verbosity: int, expected: int
) -> None:
    printed, _ = run_import(data, verbosity=verbosity)
    verdicts = [line.split() for line in printed.splitlines() if line.startswith("created   ")]
    assert len(verdicts) == expected
    stored = {*Run.objects.values_list("external_id", flat=True)}
    assert not expected or {name for _, name in verdicts} > stored


def test_texts_can_not_trick_a_terminal(project: Project, tmp_path: Path) -> None:
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
        (["--project", "nope", "x"], "There is no project 'nope'"),
        ([], "PATH"),
    ],
)
def test_what_is_not_there_is_told_in_one_line(project: Project, arguments: list[str], message: str) -> None:
    _, error = run_import(*arguments)
    assert error is not None
    assert message in str(error)
    assert "\n" not in str(error).strip()
    assert error.returncode == 1


def test_damage_is_told_after_what_stands_before_was_stored(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "runs.ndjson.gz"
    runs = [run_object(instructions=f"No. {number}") for number in range(100)]
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, runs)).encode())[:-60])
    printed, error = run_import(path)
    assert error is not None
    assert str(error).startswith(f"{path}: the gzip data is damaged")
    assert table(printed)["created"] == Run.objects.count() > 50


def test_damaged_files_are_named_and_those_after_them_are_read(project: Project, tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps(run_object()).encode())
    (tmp_path / "a.json.gz").write_bytes(packed[:-9])
    (tmp_path / "b.zip").write_bytes(b"no archive")
    write(tmp_path / "c.json", run_object(), {"object": "thread.run"})
    printed, error = run_import(tmp_path)
    assert table(printed)["created"] == Run.objects.count() == 2
    lines = str(error).splitlines()
    assert lines[0].startswith(f"{tmp_path}/a.json.gz: the gzip data is damaged")
    assert lines[1:] == [
        f"{tmp_path}/b.zip: not a zip archive: File is not a zip file",
        "1 of 3 records were rejected",
    ]


def test_files_that_are_not_read_are_named(project: Project, tmp_path: Path) -> None:
    write(tmp_path / "a.json", run_object())
    for number in range(12):
        (tmp_path / f"notes-{number:02}.txt").write_text("no run")
    printed, error = run_import(tmp_path)
    assert error is None
    assert f"not read, since its name is none of JSON: {tmp_path}/notes-00.txt" in printed
    assert printed.endswith("notes-09.txt\nand 2 others\n")


def test_folders_archives_and_files_mix(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    write(folder / "a.jsonl", run_object())
    (folder / "b.json.gz").write_bytes(gzip.compress(json.dumps([run_object(), run_object()]).encode()))
    printed, error = run_import(folder, write(tmp_path / "c", run_object()))
    assert error is None
    assert table(printed)["created"] == 4


def test_standard_input(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps([run_object()]).encode())))
    printed, error = run_import("-")
    assert error is None
    assert table(printed)["created"] == 1


def test_a_named_pipe(project: Project, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(json.dumps(run_object()),))
    writer.start()
    printed, error = run_import(pipe)
    writer.join()
    assert error is None
    assert table(printed)["created"] == 1


def test_runs_go_into_the_named_project(project: Project, data: Path) -> None:
    other = factories.make_project("other")
    run_import(data, "--project", "other")
    assert {run.project for run in Run.objects.all()} == {other}


@pytest.mark.parametrize(
    ("trouble", "message", "code"),
    [
        (OperationalError("server gone"), "does not answer: server gone", 1),
        (KeyboardInterrupt(), "Stopped", 130),
    ],
)
def test_an_end_before_the_end_keeps_what_was_stored(
    project: Project, data: Path, monkeypatch: pytest.MonkeyPatch,
    trouble: BaseException, message: str, code: int,
) -> None:  # fmt: skip
    genuine, calls = ingest_mixed, []

    def interrupted(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise trouble
        return genuine(*arguments, **options)

    monkeypatch.setattr(imports, "_BATCH_ITEMS", 3)
    monkeypatch.setattr(imports, "ingest_mixed", interrupted)
    printed, error = run_import(data)
    assert error is not None
    assert message in str(error)
    assert "can be repeated" in str(error)
    assert error.returncode == code
    assert table(printed)["created"] == 3
    monkeypatch.undo()
    assert table(run_import(data)[0]) == {
        "created": 2,
        "updated": 0,
        "unchanged": 3,
        "stale": 0,
        "rejected": 0,
    }


# progress


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar(tmp_path: Path) -> None:
    screen = Screen()
    (tmp_path / "a").write_bytes(bytes(1000))
    with (tmp_path / "a").open("rb") as file, Progress(1000, screen) as progress:
        file.read(500)
        progress.advance(file, 7)
    assert "50%" in screen.getvalue()
    assert "7 records" in screen.getvalue()


def test_elsewhere_there_is_a_line_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = io.StringIO()
    (tmp_path / "a").write_bytes(bytes(1000))
    with (tmp_path / "a").open("rb") as file, Progress(2000, lines) as progress:
        progress.advance(file, 1)
        assert lines.getvalue() == ""
        monkeypatch.setattr("runs.management.progress._LINE_EVERY", -1.0)
        file.read()
        progress.advance(file, 1234)
    with (tmp_path / "a").open("rb") as second:
        progress.advance(second, 1235)  # the second file goes on where the first ended
    first, then = lines.getvalue().splitlines()
    assert first.startswith("1,234 records, ")
    assert ", 50%, " in first
    assert ", 50%, " in then
    assert first.endswith(" s left")
