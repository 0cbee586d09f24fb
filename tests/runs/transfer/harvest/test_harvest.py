"""Harvests of whole servers: everything is stored unchanged, once, and a stopped harvest continues."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runs.models import Assistant, Message, Project, Run, RunStep
from runs.transfer.harvest import Harvest
from runs.transfer.harvest.client import RequestFailed, ServerKeyRejected, ServerUnavailable
from tests import factories
from tests.runs.objects import as_written
from tests.runs.transfer.harvest.conftest import MakeHarvest
from tests.runs.transfer.harvest.server import AgentServer, Request, cut, endless, status

FAULTS = (status(429, Retry_After="2"), status(500), cut)


def run_to_end(harvest: Harvest, named_threads: list[str] | None = None) -> Harvest:
    """Run `harvest` to its end."""
    for _ in harvest.run(named_threads):
        pass
    return harvest


def fill(server: AgentServer, threads: int) -> None:
    """Add threads with two runs, one step per run, and two messages."""
    for number in range(threads):
        name = f"thread_{number}"
        runs = [factories.run_object(thread_id=name), factories.failed_run(thread_id=name)]
        steps = [factories.step_object(run) for run in runs]
        messages = [factories.message_object(thread_id=name), factories.message_object(runs[0])]
        server.add_thread(name, *runs, *steps, *messages)


def served(server: AgentServer) -> list[Any]:
    """Return all objects of the server but the threads, sorted by id."""
    raws = [raw for path, raws in server.lists.items() if path != "/threads" for raw in raws]
    return sorted((as_written(raw) for raw in raws), key=lambda value: value["id"])


def stored(project: Project) -> list[Any]:
    records = [
        record
        for records in (
            Run.objects.in_project(project).with_configuration(),
            RunStep.objects.filter(project=project),
            Message.objects.in_project(project),
        )
        for record in records
    ]
    return sorted((as_written(record.as_json()) for record in records), key=lambda value: value["id"])


def test_all_objects_are_stored_unchanged(project: Project, server: AgentServer, make_harvest: MakeHarvest) -> None:
    fill(server, 7)
    unusual = json.dumps(factories.run_object(thread_id="thread_odd", temperature=1)).encode()
    unusual = (
        unusual[:-1]
        + rb', "vendor": {"nul": "\u0000", "lone": "\ud800", "exact": 1.00, "big": 1234567890123456789012}}'
    )
    server.add_thread("thread_odd", unusual)
    summary = run_to_end(make_harvest()).summary
    assert stored(project) == served(server)
    assert summary.is_complete
    assert (summary.crawled_threads, summary.total_threads) == (8, 8)
    assert summary.fetched_objects == {"runs": 15, "steps": 14, "messages": 14}
    assert summary.stored.outcomes["created"] == 43


def test_lists_of_several_pages_are_complete(project: Project, server: AgentServer, make_harvest: MakeHarvest) -> None:
    server.page_size = 2
    run = factories.run_object(thread_id="thread_long")
    steps = [factories.step_object(run) for _ in range(5)]
    messages = [factories.message_object(run) for _ in range(7)]
    server.add_thread(
        "thread_long",
        run,
        *(factories.run_object(thread_id="thread_long") for _ in range(4)),
        *steps,
        *messages,
    )
    fill(server, 5)
    run_to_end(make_harvest())
    assert stored(project) == served(server)


def test_temporary_failures_lose_nothing(project: Project, server: AgentServer, make_harvest: MakeHarvest) -> None:
    fill(server, 6)
    for number, path in enumerate(server.lists):
        server.faults[path] = [FAULTS[(number + again) % len(FAULTS)] for again in range(2)]
    summary = run_to_end(make_harvest()).summary
    assert stored(project) == served(server)
    assert summary.is_complete


def test_endless_lists_are_read_once(project: Project, server: AgentServer, make_harvest: MakeHarvest) -> None:
    fill(server, 3)
    server.default_fault = endless
    harvest = run_to_end(make_harvest())
    assert stored(project) == served(server)
    assert harvest.summary.truncated_lists == len(server.lists)
    assert not harvest.summary.is_complete
    assert len(harvest.progress_file) == 0
    assert len(server.requests) <= 2 * len(server.lists) + 1  # plus the list of assistants, which is missing


@pytest.mark.parametrize("path", ["/threads", "/assistants", "/threads/thread_0/runs", "/threads/thread_0/messages"])
def test_truncated_list_makes_harvest_incomplete(server: AgentServer, make_harvest: MakeHarvest, path: str) -> None:
    fill(server, 1)
    server.lists.setdefault("/assistants", [])
    server.faults[path] = [endless, endless]
    harvest = run_to_end(make_harvest())
    assert harvest.summary.truncated_lists == 1
    assert not harvest.summary.is_complete
    assert ("thread_0" in harvest.progress_file) == (not path.startswith("/threads/"))


def test_failed_assistants_make_harvest_incomplete(server: AgentServer, make_harvest: MakeHarvest) -> None:
    fill(server, 1)
    server.lists["/assistants"] = []
    server.faults["/assistants"] = [status(400)]
    harvest = run_to_end(make_harvest())
    assert harvest.summary.failed_lists == 1
    assert "thread_0" in harvest.progress_file


def test_assistant_names_are_stored(project: Project, server: AgentServer, make_harvest: MakeHarvest) -> None:
    fill(server, 1)
    named = {"id": "asst_concierge", "object": "assistant", "name": "Order concierge", "model": "gpt-4o"}
    server.lists["/assistants"] = [
        json.dumps(value).encode() for value in (named, named | {"id": "asst_2", "name": None})
    ]
    summary = run_to_end(make_harvest()).summary
    assert summary.is_complete
    assert summary.fetched_objects["assistants"] == 2
    assert dict(Assistant.objects.values_list("external_id", "posted_name")) == {
        "asst_concierge": "Order concierge",
        "asst_2": None,
    }


@pytest.mark.parametrize("code", [401, 403, 404])
def test_unavailable_assistants_are_skipped(
    project: Project, server: AgentServer, make_harvest: MakeHarvest, code: int
) -> None:
    fill(server, 1)
    server.lists["/assistants"] = []
    server.faults["/assistants"] = [status(code)] * 20
    assert run_to_end(make_harvest()).summary.is_complete
    assert stored(project) == served(server)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_concurrency_is_limited(server: AgentServer, make_harvest: MakeHarvest, concurrency: int) -> None:
    fill(server, 6)
    server.delay = 0.01
    run_to_end(make_harvest(concurrency=concurrency))
    assert max(request.in_flight for request in server.requests) == concurrency


def test_runs_then_steps_then_messages_are_fetched(server: AgentServer, make_harvest: MakeHarvest) -> None:
    fill(server, 1)
    run_to_end(make_harvest(concurrency=1))
    first, second = (json.loads(raw)["id"] for raw in server.lists["/threads/thread_0/runs"])
    base = "/threads/thread_0"
    steps = [f"{base}/runs/{run}/steps" for run in (first, second)]
    assert server.paths == ["/assistants", "/threads", f"{base}/runs", *steps, f"{base}/messages"]


def test_second_harvest_skips_finished_threads(
    project: Project, server: AgentServer, make_harvest: MakeHarvest
) -> None:
    fill(server, 3)
    server.add_thread("thread_waiting", factories.waiting_run(thread_id="thread_waiting"))
    run_to_end(make_harvest())
    server.requests.clear()
    server.add_thread("thread_new", factories.run_object(thread_id="thread_new"))
    summary = run_to_end(make_harvest()).summary
    assert {path.split("/")[2] for path in server.paths if path.startswith("/threads/")} == {
        "thread_waiting",
        "thread_new",
    }
    assert (summary.crawled_threads, summary.skipped_threads, summary.total_threads) == (2, 3, 5)
    assert stored(project) == served(server)


def test_again_fetches_all_and_changes_nothing(
    project: Project, server: AgentServer, make_harvest: MakeHarvest
) -> None:
    fill(server, 3)
    run_to_end(make_harvest())
    summary = run_to_end(make_harvest(again=True)).summary
    assert summary.crawled_threads == 3
    assert summary.stored.outcomes == {"unchanged": 18, "rejected": 0}


def test_stopped_harvest_continues_where_it_stopped(
    project: Project, server: AgentServer, make_harvest: MakeHarvest
) -> None:
    fill(server, 8)
    stopped = make_harvest(concurrency=2)
    progress = stopped.run()
    while stopped.summary.crawled_threads < 3:
        next(progress)
    progress.close()
    assert stopped.rate_limiter.is_stopped
    finished = len(stopped.progress_file)
    assert finished == 3
    server.requests.clear()
    summary = run_to_end(make_harvest(concurrency=2)).summary
    assert summary.skipped_threads == finished
    assert stored(project) == served(server)


def test_missing_thread_is_counted_and_skipped(
    project: Project, server: AgentServer, make_harvest: MakeHarvest
) -> None:
    fill(server, 2)
    harvest = run_to_end(make_harvest(), ["thread_0", "thread_gone", "thread_1", "thread_0"])
    assert stored(project) == served(server)
    summary = harvest.summary
    assert (summary.total_threads, summary.crawled_threads, summary.missing_threads) == (3, 3, 1)
    assert summary.is_complete
    assert "thread_gone" not in harvest.progress_file
    assert "/threads/thread_gone/messages" not in server.paths


def test_missing_steps_are_counted_and_skipped(
    project: Project, server: AgentServer, make_harvest: MakeHarvest
) -> None:
    run = factories.run_object(thread_id="thread_0")
    server.add_thread("thread_0", run, factories.message_object(run, thread_id="thread_0"))
    del server.lists[f"/threads/thread_0/runs/{run['id']}/steps"]
    harvest = run_to_end(make_harvest())
    assert stored(project) == served(server)
    assert harvest.summary.missing_lists == 1
    assert harvest.summary.is_complete
    assert "thread_0" in harvest.progress_file


def test_harvest_of_missing_threads_is_incomplete(server: AgentServer, make_harvest: MakeHarvest) -> None:
    assert not run_to_end(make_harvest(), ["thread_a", "thread_b"]).summary.is_complete


def test_failed_list_leaves_thread_unfinished(project: Project, server: AgentServer, make_harvest: MakeHarvest) -> None:
    fill(server, 3)

    def poison(request: Request, _page: dict[str, Any]) -> Any:
        return status(500)(request, _page) if request.path == "/threads/thread_1/messages" else None

    server.default_fault = poison
    harvest = run_to_end(make_harvest())
    assert (harvest.summary.crawled_threads, harvest.summary.failed_lists) == (3, 1)
    assert not harvest.summary.is_complete
    assert "thread_1" not in harvest.progress_file
    server.default_fault = lambda *_: None
    assert run_to_end(make_harvest()).summary.is_complete
    assert stored(project) == served(server)


def test_rejected_object_leaves_thread_unfinished(
    project: Project, server: AgentServer, make_harvest: MakeHarvest
) -> None:
    fill(server, 1)
    server.add_thread("thread_bad", factories.run_object(thread_id="thread_bad", status=7))
    harvest = run_to_end(make_harvest())
    assert harvest.summary.stored.outcomes["rejected"] == 1
    assert not harvest.summary.is_complete
    assert "thread_bad" not in harvest.progress_file
    assert Run.objects.in_project(project).count() == 2


def test_key_rejected_midway_ends_the_harvest(server: AgentServer, make_harvest: MakeHarvest) -> None:
    fill(server, 40)

    def expired(request: Request, page: dict[str, Any]) -> Any:
        return status(401)(request, page) if len(server.requests) > 30 else None

    server.default_fault = expired
    with pytest.raises(ServerKeyRejected):
        run_to_end(make_harvest())
    assert len(server.requests) <= 30 + 4


@pytest.mark.parametrize("code", [404, 405])
def test_server_without_thread_list_suggests_threads_file(
    server: AgentServer, make_harvest: MakeHarvest, code: int
) -> None:
    server.default_fault = status(code)
    with pytest.raises(ServerUnavailable, match=f"does not list its threads .*{code}.*--threads-file"):
        run_to_end(make_harvest())


def test_forbidden_thread_list_suggests_threads_file(server: AgentServer, make_harvest: MakeHarvest) -> None:
    server.default_fault = status(401)
    with pytest.raises(ServerKeyRejected, match="--threads-file"):
        run_to_end(make_harvest())


def test_failed_thread_list_ends_the_harvest(server: AgentServer, make_harvest: MakeHarvest) -> None:
    server.faults["/threads"] = [status(400)]
    with pytest.raises(RequestFailed):
        run_to_end(make_harvest())


def test_thread_ids_are_percent_encoded(project: Project, server: AgentServer, make_harvest: MakeHarvest) -> None:
    summary = run_to_end(make_harvest(), ["../../secrets?x=1#y", "thread one"]).summary
    assert summary.missing_threads == 2
    assert set(server.paths[1:]) == {"/threads/..%2F..%2Fsecrets%3Fx%3D1%23y/runs", "/threads/thread%20one/runs"}


def key_of(posted: dict[str, Any]) -> tuple[str, str, str]:
    """Return what identifies an object: its type, its id and, for a step, its run."""
    is_step = posted["object"] == "thread.run.step"
    return posted["object"], posted["id"], posted["run_id"] if is_step else ""


def real(name: str) -> Iterator[bytes]:
    lines = (Path(os.environ["RUNGLASS_REAL_DATA"]) / name).read_bytes().splitlines()
    return (line for line in lines if line.strip())


@pytest.mark.skipif("RUNGLASS_REAL_DATA" not in os.environ, reason="RUNGLASS_REAL_DATA names no folder")
def test_real_objects_are_stored_unchanged(project: Project, server: AgentServer, make_harvest: MakeHarvest) -> None:
    server.page_size = 20
    posted = {key_of(as_written(raw)): raw for name in ("runs", "steps", "messages") for raw in real(f"{name}.jsonl")}
    threads: dict[str, str] = {}  # by run
    for number, ((_, name, run), raw) in enumerate(posted.items()):
        thread = threads.setdefault(run or name, f"thread_{number}")
        if run and run not in {key[1] for key in posted}:
            server.add_thread(thread, factories.run_object(id=run))
        server.add_thread(thread, raw)
    run_to_end(make_harvest())
    by_key = {key_of(value): value for value in stored(project)}
    assert {key: by_key.get(key) for key in posted} == {key: as_written(raw) for key, raw in posted.items()}
