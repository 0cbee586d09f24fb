"""Deleting runs and threads: nothing that only they used is left, and everything else is."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction

from runs.db import project_locks
from runs.enrichment.maintenance import Maintenance
from runs.errors import TooManyRetries
from runs.models import Message, MetadataValue, Project, Run, RunStep
from runs.query import RunFilters
from runs.rollups import compaction
from runs.team import deletion
from runs.team.comments import add_comment
from runs.team.reviews import mark_reviewed
from runs.team.share_links import create_share_link
from runs.team.tags import add_tags
from tests import factories

MARKER = "jane-doe"
KEPT = "john-roe"


def post_thread(project: Project, name: str, *, thread_id: str = "") -> dict[str, Any]:
    """Post a run, its steps and messages with `name` in every field, in two versions each, and add to it."""
    asked = factories.run_object(
        id=f"run_{name}", thread_id=thread_id or f"thread_{name}", assistant_id=f"asst_{name}", status="in_progress",
        model=f"old model {name}", instructions=f"old instructions {name}", completed_at=None, usage=None,
        tools=[factories.function_tool(f"old_{name}")], metadata={f"old {name}": f"old value {name}"},
    )  # fmt: skip
    stale = asked | {
        "status": "queued",
        "started_at": None,
        "model": f"stale {name}",
        "metadata": {name: f"stale {name}"},
    }
    failed = factories.failed_run(f"code {name}", f"Error of {name}") | {
        **{field: asked[field] for field in ("id", "thread_id", "assistant_id", "created_at")},
        "model": f"model {name}", "instructions": f"Address {name}.",
        "tools": [factories.function_tool(name), {"type": name}],
        "metadata": {f"key {name}": f"value {name}", "flag": True, "team": "all"}, f"vendor {name}": {name: [name]},
        "tool_choice": name, "response_format": {"type": name},
    }  # fmt: skip
    for posted in (asked, failed, stale):
        assert not factories.post(project, posted).errors
    call = factories.function_call(name, json.dumps({name: name}), f"Output for {name}")
    step = factories.step_object(failed, call, {"type": name, "id": name}, id=f"step_{name}")
    error = {"code": f"code {name}", "message": name}
    assert not factories.post_steps(project, step | {"status": "in_progress"}, step | {"last_error": error}).errors
    places = {"thread_id": failed["thread_id"], "created_at": failed["created_at"]}
    factories.post_messages(
        project,
        factories.message_object(failed, f"Answer to {name}", **places, metadata={name: name}),
        factories.message_object(None, f"I am {name}", **places, id=f"msg_{name}"),
    )
    factories.post_assistants(project, **{f"asst_{name}": f"Assistant of {name}"})
    run = Run.objects.get(pk=project.record_id(failed["id"]))
    add_comment(run, factories.make_user(project, name=f"commenter of {thread_id or name}"), f"About {name}")
    add_tags(project, [run.pk], [name], None)
    mark_reviewed(project, [run.pk], f"reviewer of {name}")
    sharer = factories.make_user(project, name=f"sharer of {thread_id or name}")
    create_share_link(project, run, sharer, timedelta(days=7))
    return failed


def find_rows(text: str) -> list[str]:
    """Return all rows of all tables that contain `text`, each with the name of its table."""
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT row_to_json(stored)::text FROM "{table}" AS stored')
            rows += [f"{table}: {row}" for (row,) in cursor.fetchall() if text in row]
    return rows


def nobody(_: str) -> None:
    """Record no event."""


@pytest.mark.parametrize("is_thread", [False, True], ids=["run", "thread"])
@pytest.mark.parametrize("is_compacted", [False, True], ids=["appended", "compacted"])
def test_nothing_of_deleted_records_is_left(project: Project, is_thread: bool, is_compacted: bool) -> None:
    kept = post_thread(project, KEPT)
    before = {row for row in find_rows(KEPT) if not row.startswith("rollup")}
    post_thread(project, MARKER)
    while Maintenance().step():
        pass
    if is_compacted:
        compaction.compact_rollups(project)
    assert len({row.split(":")[0] for row in find_rows(MARKER)}) >= 20  # tables
    if is_thread:
        counts = deletion.delete_thread(project, f"thread_{MARKER}", nobody)
    else:
        counts = deletion.delete_runs(project, [f"run_{MARKER}"], nobody)
    assert str(counts) == "1 run, 1 step and 2 messages"
    assert [row for row in find_rows(MARKER) if not row.startswith("runs_user")] == []
    assert {row for row in find_rows(KEPT) if not row.startswith("rollup")} >= {
        row
        for row in before
        if not row.startswith(("run_step", "search_text"))  # calls were validated and texts indexed meanwhile
    }
    assert Run.objects.get().members().keys() == kept.keys()


def test_what_others_use_stays(project: Project) -> None:
    failed = factories.failed_run(thread_id="thread_both")
    twin = failed | {"id": "run_twin"}
    factories.post(project, failed, twin)
    factories.post_assistants(project, **{failed["assistant_id"]: "Concierge"})
    question = factories.message_object(thread_id="thread_both")
    factories.post_messages(project, question, factories.message_object(failed), factories.message_object(twin))
    stored = {
        row for row in find_rows("") if row.startswith(("configuration:", "tool_", "error_", "assistant:", "meta"))
    }
    assert str(deletion.delete_runs(project, [failed["id"]], nobody)) == "1 run, 0 steps and 1 message"
    assert stored <= set(find_rows(""))
    assert Message.objects.filter(external_id=question["id"]).exists()
    assert Run.objects.get().members()
    assert str(deletion.delete_runs(project, ["run_twin"], nobody)) == "1 run, 0 steps and 2 messages"
    assert not {
        row for row in find_rows("") if row.startswith(("configuration:", "tool_", "error_group:", "rollup", "meta"))
    }


def test_records_without_run_are_deleted(project: Project) -> None:
    run = factories.run_object(thread_id="thread_late")
    factories.post_steps(project, factories.step_object(run))
    assert str(deletion.delete_runs(project, [run["id"]], nobody)) == "0 runs, 1 step and 0 messages"
    assert not deletion.delete_runs(project, [run["id"]], nobody)
    factories.post_steps(project, factories.step_object(run))
    factories.post_messages(project, factories.message_object(run))
    assert str(deletion.delete_thread(project, "thread_late", nobody)) == "0 runs, 1 step and 1 message"
    assert not deletion.delete_thread(project, "thread_late", nobody)


def test_other_projects_keep_their_records(project: Project) -> None:
    other = factories.make_project("other")
    for owner in (project, other):
        post_thread(owner, MARKER, thread_id=f"thread of {owner.slug}")
    theirs = [row for row in find_rows(MARKER) if f'"project_id":{other.pk}' in row]
    deletion.delete_runs(project, [f"run_{MARKER}"], nobody)
    deletion.delete_thread(project, "thread of other", nobody)
    assert [row for row in find_rows(MARKER) if f'"project_id":{other.pk}' in row] == theirs


def test_long_threads_are_deleted_in_batches(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "MAX_RUNS_PER_TRANSACTION", 2)
    runs = [factories.run_object(thread_id="thread_long") for _ in range(5)]
    factories.post(project, *runs)
    factories.post_steps(project, *map(factories.step_object, runs))
    factories.post_messages(project, *map(factories.message_object, runs))
    events: list[str] = []
    assert str(deletion.delete_thread(project, "thread_long", events.append)) == "5 runs, 5 steps and 5 messages"
    assert events == [f"deleted the thread thread_long: {count}" for count in (
        "2 runs, 2 steps and 2 messages", "2 runs, 2 steps and 2 messages", "1 run, 1 step and 1 message",
    )]  # fmt: skip


def test_values_are_recorded_again_after_deletion(project: Project) -> None:
    for _ in range(2):
        factories.post_run(project, id="run_again", metadata={"customer": "acme", "flag": True})
        assert set(MetadataValue.objects.values_list("key", "value")) == {("customer", "acme"), ("flag", "true")}
        deletion.delete_runs(project, ["run_again"], nobody)
        assert not MetadataValue.objects.exists()


@pytest.mark.parametrize("kept", [{"flag": True}, {"flag": "true"}], ids=str)
def test_spellings_of_one_value_are_kept(project: Project, kept: dict[str, Any]) -> None:
    factories.post_run(project, id="run_deleted", metadata={"flag": "true"})
    factories.post_run(project, metadata=kept)
    deletion.delete_runs(project, ["run_deleted"], nobody)
    assert MetadataValue.objects.get().value == "true"


@pytest.mark.django_db(transaction=True)
def test_hanging_writer_delays_deletion_briefly(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_locks, "_MAX_WAIT", "100ms")
    run = factories.post_run(project)
    is_locked, is_over = threading.Event(), threading.Event()

    def hang() -> None:
        with transaction.atomic():
            project_locks.lock_records_shared(project.pk)()
            is_locked.set()
            is_over.wait(20)
        connections.close_all()

    writer = threading.Thread(target=hang)
    writer.start()
    assert is_locked.wait(20)
    with pytest.raises(TooManyRetries):
        deletion.delete_runs(project, [run.external_id], nobody)
    is_over.set()
    writer.join()
    assert deletion.delete_runs(project, [run.external_id], nobody).runs == 1


@pytest.mark.django_db(transaction=True)
def test_posting_during_deletion_leaves_whole_runs(project: Project) -> None:
    failed = factories.failed_run(thread_id="thread_busy", metadata={"customer": "acme"})
    posted = [[failed | {"id": f"run_{batch}_{number}"} for number in range(3)] for batch in range(15)]

    def post_all() -> None:
        for runs in posted:
            factories.post(project, *runs)
            factories.post_steps(project, *(factories.step_object(run, factories.function_call("f")) for run in runs))
        connections.close_all()

    writer = threading.Thread(target=post_all)
    writer.start()
    while writer.is_alive():
        deletion.delete_thread(project, "thread_busy", nobody)
        time.sleep(0.005)  # a writer of a new configuration needs two transactions in a row
    factories.post(project, failed)
    runs = Run.objects.all()
    assert all(run.members()["instructions"] and run.error_group and run.error_group.sample for run in runs)
    assert MetadataValue.objects.filter(key="customer", value="acme").exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(runs), 0), min(runs) FROM rollup_hour_assistant")
        assert cursor.fetchone()[0] == len(runs)
        cursor.execute("SELECT coalesce(sum(calls), 0) FROM rollup_hour_tool")
        assert cursor.fetchone()[0] == RunStep.objects.count()
    assert list(RunFilters.parse_query_text("metadata.customer:acme").apply(Run.objects.in_project(project)))
