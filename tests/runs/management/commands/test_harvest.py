"""The command `manage.py harvest`: its arguments, output and exit codes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from runs.models import Project, Run
from tests import factories
from tests.runs.transfer.harvest.server import AgentServer, endless, running, status


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AgentServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AGENT_KEY", "sesame\n")
    with running() as started:
        yield started


@pytest.fixture
def data_dir(tmp_path: Path, settings: Any) -> Path:
    settings.DATA_DIR = tmp_path / "data"
    return tmp_path / "data"


@pytest.fixture
def harvest(project: Project, server: AgentServer, data_dir: Path) -> Any:
    """Return a function that runs the command and returns its output."""

    def run(*arguments: str) -> str:
        out = io.StringIO()
        always = ("--base-url", server.url, "--api-key-env", "AGENT_KEY", "--rate", "1000")
        call_command("harvest", *always, *arguments, stdout=out)
        return out.getvalue()

    return run


def one_thread(server: AgentServer, name: str = "thread_1", **changes: Any) -> dict[str, Any]:
    run = factories.run_object(thread_id=name, **changes)
    server.add_thread(name, run, factories.step_object(run), factories.message_object(run))
    return run


def counted(table: str) -> dict[str, int]:
    lines = (line.split() for line in table.splitlines() if line.startswith("  "))
    return {" ".join(line[:-1]): int(line[-1]) for line in lines}


def test_objects_are_stored_and_counted(project: Project, server: AgentServer, harvest: Any) -> None:
    one_thread(server)
    counts = counted(harvest())
    assert counts["threads"] == counts["runs"] == counts["steps"] == counts["messages"] == 1
    assert counts["created"] == 3
    assert counts["requests"] == len(server.requests) == 5
    assert Run.objects.in_project(project).count() == 1
    assert server.requests[0].headers["authorization"] == "Bearer sesame"


def test_second_harvest_skips_finished_threads(server: AgentServer, harvest: Any, data_dir: Path) -> None:
    one_thread(server)
    harvest()
    (progress_file,) = (data_dir / "harvest").iterdir()
    assert progress_file.name.startswith("default-127.0.0.1-")
    counts = counted(harvest())
    assert (counts["threads"], counts["skipped"], counts["created"]) == (0, 1, 0)
    assert counted(harvest("--again"))["unchanged"] == 3


def test_recreated_project_is_harvested_again(project: Project, server: AgentServer, harvest: Any) -> None:
    one_thread(server)
    harvest()
    Run.objects.all().delete()
    project.delete()
    factories.make_project()
    assert counted(harvest())["skipped"] == 0


def test_threads_file_selects_threads(server: AgentServer, harvest: Any, tmp_path: Path) -> None:
    one_thread(server, "thread_1")
    one_thread(server, "thread_2")
    names = tmp_path / "threads.txt"
    names.write_text("\ufeff# mine\r\nthread_2\r\n\r\n  thread_gone \r\n")
    out = harvest("--threads-file", str(names))
    assert counted(out)["threads"] == 2
    assert "missing    /threads/thread_gone/runs" in out
    assert "/threads" not in server.paths
    assert "/threads/thread_1/runs" not in server.paths


def test_api_version_and_headers_are_sent(server: AgentServer, harvest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_KEY", "open")
    harvest("--api-version", "v1", "--header", "api-key=AZURE_KEY")
    assert {request.query["api-version"] for request in server.requests} == {"v1"}
    assert {request.headers["api-key"] for request in server.requests} == {"open"}


def test_rejected_key_is_not_shown(server: AgentServer, harvest: Any) -> None:
    server.default_fault = status(401)
    with pytest.raises(CommandError, match="rejected the API key: /threads: 401") as raised:
        harvest()
    assert "sesame" not in str(raised.value)
    assert raised.value.returncode == 1
    assert server.paths == ["/assistants", "/threads"]


def test_server_without_thread_list_suggests_threads_file(server: AgentServer, harvest: Any) -> None:
    del server.lists["/threads"]
    with pytest.raises(CommandError, match="name them with --threads-file"):
        harvest()


def test_failed_list_exits_with_1(project: Project, server: AgentServer, harvest: Any, capsys: Any) -> None:
    one_thread(server)
    server.faults["/threads/thread_1/messages"] = [status(400)]
    with pytest.raises(CommandError, match=r"Lists not fetched: 1\. .* Records rejected: 0") as raised:
        harvest()
    assert raised.value.returncode == 1
    assert Run.objects.in_project(project).count() == 1


def test_truncated_list_exits_with_1(server: AgentServer, harvest: Any, capsys: Any) -> None:
    one_thread(server)
    server.default_fault = endless
    with pytest.raises(CommandError, match=r"Lists with missing objects: 4\."):
        harvest()
    assert counted(harvest("--ignore-has-more"))["truncated"] == 0
    assert counted(harvest("--ignore-has-more"))["skipped"] == 1


def test_rejected_record_exits_with_1(server: AgentServer, harvest: Any) -> None:
    one_thread(server, status=7)
    with pytest.raises(CommandError, match=r"Lists not fetched: 0\. .* Records rejected: 1"):
        harvest()


def test_only_missing_threads_question_the_base_url(server: AgentServer, harvest: Any, tmp_path: Path) -> None:
    names = tmp_path / "threads.txt"
    names.write_text("thread_a\n")
    with pytest.raises(CommandError, match="check the base URL"):
        harvest("--threads-file", str(names))


@pytest.mark.parametrize("kind", ["responses", "conversations"])
def test_only_missing_named_objects_question_the_base_url(harvest: Any, tmp_path: Path, kind: str) -> None:
    names = tmp_path / "ids.txt"
    names.write_text("id_unknown\n")
    with pytest.raises(CommandError, match="none of these responses and conversations: check the base URL"):
        harvest(f"--{kind}-file", str(names))


def test_missing_named_objects_are_printed(server: AgentServer, harvest: Any, tmp_path: Path) -> None:
    server.objects["/conversations/conv_1"] = b'{"id": "conv_1", "object": "conversation", "created_at": 1}'
    server.lists["/conversations/conv_1/items"] = []
    names = tmp_path / "ids.txt"
    names.write_text("conv_1\nconv_unknown\n")
    output = harvest("--conversations-file", str(names))
    assert "missing    /conversations/conv_unknown" in output
    assert counted(output)["conversations"] == 1


def test_interrupt_exits_with_130(server: AgentServer, harvest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    one_thread(server)
    monkeypatch.setattr("runs.transfer.harvest.ingest_mixed", interrupt)
    with pytest.raises(CommandError, match=r"Interrupted\. .*continues from there") as raised:
        harvest()
    assert raised.value.returncode == 130


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--base-url", "agents.example/v1"), "not a base URL"),
        (("--base-url", "ftp://agents.example"), "not a base URL"),
        (("--base-url", "https://user:pass@agents.example"), "not a base URL"),
        (("--base-url", "https://agents.example/v1?api-version=v1"), "not a base URL"),
        (("--concurrency", "0"), "not a number from 1 to 64"),
        (("--rate", "0"), "not a number above 0"),
        (("--rate", "nan"), "not a number above 0"),
        (("--header", "api-key"), "not NAME=ENV"),
        (("--header", "a b=X"), "not NAME=ENV"),
        (("--header", "api-key=NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE is not set"),
        (("--api-key-env", "NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE is not set"),
        (("--threads-file", "/nonexistent/threads"), "--threads-file: .*No such file"),
        (("--project", "nobody"), "No project 'nobody'"),
    ],
)
def test_invalid_arguments_are_one_line_errors(harvest: Any, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        harvest(*arguments)


def test_invalid_header_value_is_not_shown(harvest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_KEY", "ses\name")
    with pytest.raises(CommandError, match="AGENT_KEY is not a valid header value") as raised:
        harvest()
    assert "ses" not in str(raised.value)
