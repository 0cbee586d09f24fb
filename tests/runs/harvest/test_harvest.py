"""A whole server into a project: all of it, equal, once, and on from where it ended."""

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
from tests.runs.harvest.conftest import MakeHarvest
from tests.runs.harvest.server import AgentServer, Request, cut, endless, status
from tests.runs.objects import as_written

FAULTS = (status(429, Retry_After="2"), status(500), cut)


def done(harvest: Harvest, named: list[str] | None = None) -> Harvest:
    """Run it to its end."""
    for _ in harvest.run(named):
        pass
    return harvest


def fill(server: AgentServer, threads: int) -> None:
    """Threads with two runs, a step each, and two messages."""
    for number in range(threads):
        name = f"thread_{number}"
        runs = [factories.run_object(thread_id=name), factories.failed_run(thread_id=name)]
        steps = [factories.step_object(run) for run in runs]
        messages = [factories.message_object(thread_id=name), factories.message_object(runs[0])]
        server.hold(name, *runs, *steps, *messages)


def served(server: AgentServer) -> list[Any]:
    """Every object but the threads, by id."""
    raws = [raw for path, raws in server.lists.items() if path != "/threads" for raw in raws]
    return sorted((as_written(raw) for raw in raws), key=lambda each: each["id"])


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
    return sorted((as_written(record.as_json()) for record in records), key=lambda each: each["id"])


def test_everything_arrives_as_it_was_written(project: Project, server: AgentServer, harvest_of: MakeHarvest) -> None:
    fill(server, 7)
    odd = json.dumps(factories.run_object(thread_id="thread_odd", temperature=1)).encode()
    odd = odd[:-1] + rb', "vendor": {"nul": "\u0000", "lone": "\ud800", "exact": 1.00, "big": 1234567890123456789012}}'
    server.hold("thread_odd", odd)
    tally = done(harvest_of()).tally
    assert stored(project) == served(server)
    assert tally.is_complete
    assert (tally.done, tally.total) == (8, 8)
    assert tally.fetched == {"runs": 15, "steps": 14, "messages": 14}
    assert tally.verdicts.outcomes["created"] == 43


def test_lists_of_many_pages_arrive_whole(project: Project, server: AgentServer, harvest_of: MakeHarvest) -> None:
    server.page = 2
    run = factories.run_object(thread_id="thread_long")
    steps = [factories.step_object(run) for _ in range(5)]
    messages = [factories.message_object(run) for _ in range(7)]
    server.hold(
        "thread_long",
        run,
        *(factories.run_object(thread_id="thread_long") for _ in range(4)),
        *steps,
        *messages,
    )
    fill(server, 5)
    done(harvest_of())
    assert stored(project) == served(server)


def test_faults_on_the_way_change_nothing(project: Project, server: AgentServer, harvest_of: MakeHarvest) -> None:
    fill(server, 6)
    for number, path in enumerate(server.lists):
        server.faults[path] = [FAULTS[(number + again) % len(FAULTS)] for again in range(2)]
    tally = done(harvest_of()).tally
    assert stored(project) == served(server)
    assert tally.is_complete


def test_endless_lists_end(project: Project, server: AgentServer, harvest_of: MakeHarvest) -> None:
    fill(server, 3)
    server.standing = endless
    tally = done(harvest_of()).tally
    assert stored(project) == served(server)
    assert tally.is_complete
    assert len(server.requests) <= 2 * len(server.lists) + 1  # and assistants, of which it knows nothing


def test_names_of_assistants_are_fetched_too(project: Project, server: AgentServer, harvest_of: MakeHarvest) -> None:
    fill(server, 1)
    named = {"id": "asst_concierge", "object": "assistant", "name": "Order concierge", "model": "gpt-4o"}
    server.lists["/assistants"] = [
        json.dumps(each).encode() for each in (named, named | {"id": "asst_2", "name": None})
    ]
    tally = done(harvest_of()).tally
    assert tally.is_complete
    assert tally.fetched["assistants"] == 2
    assert dict(Assistant.objects.values_list("external_id", "posted_name")) == {
        "asst_concierge": "Order concierge",
        "asst_2": None,
    }


@pytest.mark.parametrize("code", [401, 403, 404, 500])
def test_a_server_that_keeps_its_assistants_is_harvested_all_the_same(
    project: Project, server: AgentServer, harvest_of: MakeHarvest, code: int
) -> None:
    fill(server, 1)
    server.lists["/assistants"] = []
    server.faults["/assistants"] = [status(code)] * 20
    assert done(harvest_of()).tally.is_complete
    assert stored(project) == served(server)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_is_asked_at_once_than_allowed(server: AgentServer, harvest_of: MakeHarvest, concurrency: int) -> None:
    fill(server, 6)
    server.delay = 0.01
    done(harvest_of(concurrency=concurrency))
    assert max(request.at_once for request in server.requests) == concurrency


def test_a_thread_is_asked_for_runs_then_steps_then_messages(server: AgentServer, harvest_of: MakeHarvest) -> None:
    fill(server, 1)
    done(harvest_of(concurrency=1))
    first, second = (json.loads(raw)["id"] for raw in server.lists["/threads/thread_0/runs"])
    base = "/threads/thread_0"
    steps = [f"{base}/runs/{run}/steps" for run in (first, second)]
    assert server.paths == ["/assistants", "/threads", f"{base}/runs", *steps, f"{base}/messages"]


def test_a_second_harvest_skips_what_is_finished(
    project: Project, server: AgentServer, harvest_of: MakeHarvest
) -> None:
    fill(server, 3)
    server.hold("thread_waiting", factories.waiting_run(thread_id="thread_waiting"))
    done(harvest_of())
    server.requests.clear()
    server.hold("thread_new", factories.run_object(thread_id="thread_new"))
    tally = done(harvest_of()).tally
    assert {path.split("/")[2] for path in server.paths if path.startswith("/threads/")} == {
        "thread_waiting",
        "thread_new",
    }
    assert (tally.done, tally.skipped, tally.total) == (2, 3, 5)
    assert stored(project) == served(server)


def test_again_fetches_everything_and_changes_nothing(
    project: Project, server: AgentServer, harvest_of: MakeHarvest
) -> None:
    fill(server, 3)
    done(harvest_of())
    tally = done(harvest_of(again=True)).tally
    assert tally.done == 3
    assert tally.verdicts.outcomes == {"unchanged": 18, "rejected": 0}


def test_a_harvest_that_was_left_goes_on_where_it_was(
    project: Project, server: AgentServer, harvest_of: MakeHarvest
) -> None:
    fill(server, 8)
    left = harvest_of(concurrency=2)
    progress = left.run()
    while left.tally.done < 3:
        next(progress)
    progress.close()
    assert left.pace.is_stopped
    finished = len(left.finished)
    assert finished == 3
    server.requests.clear()
    tally = done(harvest_of(concurrency=2)).tally
    assert tally.skipped == finished
    assert stored(project) == served(server)


def test_a_thread_that_is_gone_is_counted_and_passed_over(
    project: Project, server: AgentServer, harvest_of: MakeHarvest
) -> None:
    fill(server, 2)
    harvest = done(harvest_of(), ["thread_0", "thread_gone", "thread_1", "thread_0"])
    assert stored(project) == served(server)
    assert (harvest.tally.total, harvest.tally.done, harvest.tally.gone) == (3, 3, 1)
    assert harvest.tally.is_complete
    assert "thread_gone" not in harvest.finished
    assert "/threads/thread_gone/messages" not in server.paths


def test_a_run_whose_steps_are_gone_is_passed_over(
    project: Project, server: AgentServer, harvest_of: MakeHarvest
) -> None:
    run = factories.run_object(thread_id="thread_0")
    server.hold("thread_0", run, factories.message_object(run, thread_id="thread_0"))
    del server.lists[f"/threads/thread_0/runs/{run['id']}/steps"]
    harvest = done(harvest_of())
    assert stored(project) == served(server)
    assert harvest.tally.missing == 1
    assert harvest.tally.is_complete
    assert "thread_0" in harvest.finished


def test_where_every_thread_is_gone_something_is_wrong(server: AgentServer, harvest_of: MakeHarvest) -> None:
    assert not done(harvest_of(), ["thread_a", "thread_b"]).tally.is_complete


def test_a_list_that_can_not_be_fetched_leaves_its_thread_for_the_next_time(
    project: Project, server: AgentServer, harvest_of: MakeHarvest
) -> None:
    fill(server, 3)

    def poison(request: Request, _page: dict[str, Any]) -> Any:
        return status(500)(request, _page) if request.path == "/threads/thread_1/messages" else None

    server.standing = poison
    harvest = done(harvest_of())
    assert (harvest.tally.done, harvest.tally.faults) == (3, 1)
    assert not harvest.tally.is_complete
    assert "thread_1" not in harvest.finished
    server.standing = lambda *_: None
    assert done(harvest_of()).tally.is_complete
    assert stored(project) == served(server)


def test_an_object_that_is_refused_leaves_its_thread_for_the_next_time(
    project: Project, server: AgentServer, harvest_of: MakeHarvest
) -> None:
    fill(server, 1)
    server.hold("thread_bad", factories.run_object(thread_id="thread_bad", status=7))
    harvest = done(harvest_of())
    assert harvest.tally.verdicts.outcomes["rejected"] == 1
    assert not harvest.tally.is_complete
    assert "thread_bad" not in harvest.finished
    assert Run.objects.in_project(project).count() == 2


def test_a_key_that_is_refused_on_the_way_ends_it(server: AgentServer, harvest_of: MakeHarvest) -> None:
    fill(server, 40)

    def expired(request: Request, page: dict[str, Any]) -> Any:
        return status(401)(request, page) if len(server.requests) > 30 else None

    server.standing = expired
    with pytest.raises(ServerKeyRejected):
        done(harvest_of())
    assert len(server.requests) <= 30 + 4


@pytest.mark.parametrize("code", [404, 405])
def test_a_server_that_lists_no_threads_says_what_to_do(
    server: AgentServer, harvest_of: MakeHarvest, code: int
) -> None:
    server.standing = status(code)
    with pytest.raises(ServerUnavailable, match=f"lists no threads .*{code}.*--threads-file"):
        done(harvest_of())


def test_a_server_that_lists_threads_to_no_key_says_what_to_do(server: AgentServer, harvest_of: MakeHarvest) -> None:
    server.standing = status(401)
    with pytest.raises(ServerKeyRejected, match="--threads-file"):
        done(harvest_of())


def test_a_list_of_threads_that_breaks_off_ends_it(server: AgentServer, harvest_of: MakeHarvest) -> None:
    server.faults["/threads"] = [status(400)]
    with pytest.raises(RequestFailed):
        done(harvest_of())


def test_ids_are_quoted(project: Project, server: AgentServer, harvest_of: MakeHarvest) -> None:
    tally = done(harvest_of(), ["../../secrets?x=1#y", "thread one"]).tally
    assert tally.gone == 2
    assert set(server.paths[1:]) == {"/threads/..%2F..%2Fsecrets%3Fx%3D1%23y/runs", "/threads/thread%20one/runs"}


def key_of(posted: dict[str, Any]) -> tuple[str, str, str]:
    """What an object is, its id, and of a step the run."""
    is_step = posted["object"] == "thread.run.step"
    return posted["object"], posted["id"], posted["run_id"] if is_step else ""


def real(name: str) -> Iterator[bytes]:
    lines = (Path(os.environ["RUNGLASS_REAL_DATA"]) / name).read_bytes().splitlines()
    return (line for line in lines if line.strip())


@pytest.mark.skipif("RUNGLASS_REAL_DATA" not in os.environ, reason="RUNGLASS_REAL_DATA names no folder")
def test_real_objects_arrive_equal(project: Project, server: AgentServer, harvest_of: MakeHarvest) -> None:
    server.page = 20
    posted = {key_of(as_written(raw)): raw for name in ("runs", "steps", "messages") for raw in real(f"{name}.jsonl")}
    threads: dict[str, str] = {}  # by run
    for number, ((_, name, run), raw) in enumerate(posted.items()):
        thread = threads.setdefault(run or name, f"thread_{number}")
        if run and run not in {key[1] for key in posted}:
            server.hold(thread, factories.run_object(id=run))
        server.hold(thread, raw)
    done(harvest_of())
    found = {key_of(each): each for each in stored(project)}
    assert {key: found.get(key) for key in posted} == {key: as_written(raw) for key, raw in posted.items()}
