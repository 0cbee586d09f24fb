"""`manage.py harvest`: what it is told, what it says, and how it ends."""

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
from tests.runs.harvest.server import AgentServer, running, status


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
    """Runs the command and gives what it wrote to stdout."""

    def run(*arguments: str) -> str:
        out = io.StringIO()
        always = ("--base-url", server.url, "--api-key-env", "AGENT_KEY", "--rate", "1000")
        call_command("harvest", *always, *arguments, stdout=out)
        return out.getvalue()

    return run


def one_thread(server: AgentServer, name: str = "thread_1", **changes: Any) -> dict[str, Any]:
    run = factories.run_object(thread_id=name, **changes)
    server.hold(name, run, factories.step_object(run), factories.message_object(run))
    return run


def counted(table: str) -> dict[str, int]:
    lines = (line.split() for line in table.splitlines() if line.startswith("  "))
    return {" ".join(line[:-1]): int(line[-1]) for line in lines}


def test_it_stores_and_says_what_became_of_everything(project: Project, server: AgentServer, harvest: Any) -> None:
    one_thread(server)
    counts = counted(harvest())
    assert counts["threads"] == counts["runs"] == counts["steps"] == counts["messages"] == 1
    assert counts["created"] == 3
    assert counts["requests"] == len(server.requests) == 5
    assert Run.objects.in_project(project).count() == 1
    assert server.requests[0].headers["authorization"] == "Bearer sesame"


def test_a_second_one_goes_on_by_itself(server: AgentServer, harvest: Any, data_dir: Path) -> None:
    one_thread(server)
    harvest()
    (state,) = (data_dir / "harvest").iterdir()
    assert state.name.startswith("default-127.0.0.1-")
    counts = counted(harvest())
    assert (counts["threads"], counts["skipped"], counts["created"]) == (0, 1, 0)
    assert counted(harvest("--again"))["unchanged"] == 3


def test_a_project_made_anew_begins_anew(project: Project, server: AgentServer, harvest: Any) -> None:
    one_thread(server)
    harvest()
    Run.objects.all().delete()
    project.delete()
    factories.make_project()
    assert counted(harvest())["skipped"] == 0


def test_threads_may_come_from_a_file(server: AgentServer, harvest: Any, tmp_path: Path) -> None:
    one_thread(server, "thread_1")
    one_thread(server, "thread_2")
    names = tmp_path / "threads.txt"
    names.write_text("\ufeff# mine\r\nthread_2\r\n\r\n  thread_gone \r\n")
    out = harvest("--threads-file", str(names))
    assert counted(out)["threads"] == 2
    assert "missing    /threads/thread_gone/runs" in out
    assert "/threads" not in server.paths
    assert "/threads/thread_1/runs" not in server.paths


def test_what_azure_wants_is_sent(server: AgentServer, harvest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_KEY", "open")
    harvest("--api-version", "v1", "--header", "api-key=AZURE_KEY")
    assert {request.query["api-version"] for request in server.requests} == {"v1"}
    assert {request.headers["api-key"] for request in server.requests} == {"open"}


def test_a_wrong_key_is_one_clear_line_and_never_shown(server: AgentServer, harvest: Any) -> None:
    server.standing = status(401)
    with pytest.raises(CommandError, match="refuses the key: /threads: 401") as raised:
        harvest()
    assert "sesame" not in str(raised.value)
    assert raised.value.returncode == 1
    assert server.paths == ["/assistants", "/threads"]


def test_a_server_without_a_list_of_threads_says_what_to_do(server: AgentServer, harvest: Any) -> None:
    del server.lists["/threads"]
    with pytest.raises(CommandError, match="name them with --threads-file"):
        harvest()


def test_what_could_not_be_fetched_ends_it_with_1(
    project: Project, server: AgentServer, harvest: Any, capsys: Any
) -> None:
    one_thread(server)
    server.faults["/threads/thread_1/messages"] = [status(400)]
    with pytest.raises(CommandError, match=r"1 . not fetched, 0 . rejected") as raised:
        harvest()
    assert raised.value.returncode == 1
    assert Run.objects.in_project(project).count() == 1


def test_what_was_rejected_ends_it_with_1(server: AgentServer, harvest: Any) -> None:
    one_thread(server, status=7)
    with pytest.raises(CommandError, match=r"0 . not fetched, 1 . rejected"):
        harvest()


def test_where_every_thread_is_gone_the_address_is_doubted(server: AgentServer, harvest: Any, tmp_path: Path) -> None:
    names = tmp_path / "threads.txt"
    names.write_text("thread_a\n")
    with pytest.raises(CommandError, match="is the base URL right"):
        harvest("--threads-file", str(names))


def test_control_c_says_how_to_go_on(server: AgentServer, harvest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    one_thread(server)
    monkeypatch.setattr("runs.transfer.harvest.ingest_mixed", interrupt)
    with pytest.raises(CommandError, match=r"Stopped\. .*goes on from there") as raised:
        harvest()
    assert raised.value.returncode == 130


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--base-url", "agents.example/v1"), "no address"),
        (("--base-url", "ftp://agents.example"), "no address"),
        (("--base-url", "https://user:pass@agents.example"), "no address"),
        (("--base-url", "https://agents.example/v1?api-version=v1"), "no address"),
        (("--concurrency", "0"), "no number from 1 to 64"),
        (("--rate", "0"), "no number above 0"),
        (("--rate", "nan"), "no number above 0"),
        (("--header", "api-key"), "not NAME=ENV"),
        (("--header", "a b=X"), "not NAME=ENV"),
        (("--header", "api-key=NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE is not set"),
        (("--api-key-env", "NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE is not set"),
        (("--threads-file", "/nonexistent/threads"), "--threads-file: .*No such file"),
        (("--project", "nobody"), "no project 'nobody'"),
    ],
)
def test_what_can_not_be_meant_is_one_clear_line(harvest: Any, arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        harvest(*arguments)


def test_a_key_that_no_header_can_hold_is_not_shown(harvest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_KEY", "ses\name")
    with pytest.raises(CommandError, match="AGENT_KEY holds what no header can") as raised:
        harvest()
    assert "ses" not in str(raised.value)
