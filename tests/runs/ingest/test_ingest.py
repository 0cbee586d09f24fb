"""Ingest from raw items to the database: outcomes, history, and invalid objects among valid ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from runs.ingest import (
    MESSAGES,
    RECORD_TYPES,
    RUNS,
    STEPS,
    IngestReport,
    Outcome,
    RawItem,
    ingest,
    ingest_mixed,
    record_types,
)
from runs.models import ApiKey, Message, Observation, Project, Run, RunStep
from runs.protocol.run import TERMINAL_RUN_STATUSES
from tests import factories
from tests.factories import (
    NOW,
    failed_run,
    function_call,
    message_object,
    post,
    run_object,
    step_object,
    waiting_run,
)
from tests.runs import objects
from tests.runs.lifecycles import as_bytes, lifecycles, posted

USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
DONE = run_object(id="run_1", created_at=NOW, started_at=NOW + 1, completed_at=NOW + 9, usage=USAGE)
WAITING = waiting_run(id="run_1", created_at=NOW, started_at=NOW + 1, expires_at=None)
QUEUED = DONE | {"status": "queued", "started_at": None, "completed_at": None, "usage": None}
UNCOUNTED = DONE | {"usage": None}
FAILED = failed_run(id="run_1", created_at=NOW, started_at=NOW + 1, failed_at=NOW + 9)


def outcomes(report: IngestReport) -> list[str]:
    assert report.errors == []
    return [report.outcomes[index].value for index in sorted(report.outcomes)]


def stored(project: Project, run_id: str = "run_1") -> dict[str, Any]:
    run: dict[str, Any] = json.loads(Run.objects.get(pk=project.record_id(run_id)).as_json())
    return run


def history(project: Project, run_id: str = "run_1") -> list[tuple[Any, ...]]:
    return list(
        Observation.objects.filter(run_id=project.record_id(run_id))
        .order_by("n")
        .values_list("n", "outcome", "status_before", "status_after", "changed", "conflict")
    )


@pytest.mark.parametrize(
    ("snapshots", "expected", "last"),
    [
        ([QUEUED], ["created"], QUEUED),
        ([QUEUED, QUEUED], ["created", "unchanged"], QUEUED),
        ([QUEUED, WAITING, DONE], ["created", "updated", "updated"], DONE),
        ([DONE, WAITING, QUEUED], ["created", "stale", "stale"], DONE),
        ([UNCOUNTED, DONE], ["created", "updated"], DONE),
        ([DONE, UNCOUNTED], ["created", "stale"], DONE),
        ([DONE, DONE | {"metadata": {}}], ["created", "updated"], DONE | {"metadata": {}}),
        ([DONE, DONE | {"model": "other"}], ["created", "updated"], DONE | {"model": "other"}),
        ([DONE, DONE | {"unheard_of": None}], ["created", "updated"], DONE | {"unheard_of": None}),
        ([DONE, DONE | {"temperature": 1}], ["created", "updated"], DONE | {"temperature": 1}),
        ([FAILED, DONE], ["created", "updated"], DONE),
        ([DONE, FAILED], ["created", "stale"], DONE),
    ],
)
@pytest.mark.parametrize("together", [True, False], ids=["in one request", "one by one"])
def test_each_post_has_an_outcome(
    project: Project, snapshots: list[Any], expected: list[str], last: dict[str, Any], together: bool
) -> None:
    if together:
        actual = outcomes(post(project, *snapshots))
    else:
        actual = [outcome for snapshot in snapshots for outcome in outcomes(post(project, snapshot))]
    assert actual == expected
    assert stored(project) == last
    assert repr(stored(project)["temperature"]) == repr(last["temperature"])


@pytest.mark.parametrize("together", [True, False], ids=["in one request", "one by one"])
def test_history_lists_changes_in_order(project: Project, together: bool) -> None:
    snapshots = [QUEUED, WAITING, QUEUED, DONE, WAITING, QUEUED, FAILED]
    for batch in [snapshots] if together else [[snapshot] for snapshot in snapshots]:
        post(project, *batch)
    rows = history(project)
    assert [row[:4] for row in rows] == [
        (1, "updated", "queued", "requires_action"),
        (2, "stale", "requires_action", "queued"),
        (3, "updated", "requires_action", "completed"),
        # the waiting and the queued state are in the history already
        (4, "stale", "completed", "failed"),
    ]
    assert set(rows[0][4]) == {"status", "started_at", "required_action"}
    assert set(rows[2][4]) == {"status", "completed_at", "required_action", "usage"}
    assert [row[5] for row in rows] == [False, False, False, True]
    record = Run.objects.get(pk=project.record_id("run_1"))
    assert record.history_length == 4
    assert record.version == (1 if together else 5)


def test_conflicting_ends_are_marked(project: Project) -> None:
    post(project, FAILED, DONE)
    assert [(row[1], row[5]) for row in history(project)] == [("updated", True)]


def test_observation_keeps_replaced_values(project: Project) -> None:
    post(project, QUEUED)
    post(project, DONE | {"metadata": ..., "extra_1": 1.0} | {"metadata": {"now": "this"}})
    replaced = json.loads(Observation.objects.get().other)
    assert replaced == {
        "status": "queued", "started_at": None, "completed_at": None, "usage": None,
        "metadata": {"customer": "acme"},
    }  # fmt: skip


def test_key_and_time_of_posts_are_kept(project: Project) -> None:
    first, second = (
        ApiKey.objects.create(project=project, name=name, prefix=name, digest=name.encode(), scopes=["ingest"])
        for name in ("one", "two")
    )
    ingest(project, RUNS, [RawItem(0, as_bytes(QUEUED))], key_id=first.pk)
    ingest(project, RUNS, [RawItem(0, as_bytes(DONE))], key_id=second.pk)
    record, observation = Run.objects.get(), Observation.objects.get()
    assert (record.received_key_id, observation.received_key_id) == (first.pk, second.pk)
    assert record.received_at < observation.received_at == record.seen_at


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda raw: json.dumps(dict(reversed(json.loads(raw).items()))).encode(),
        lambda raw: json.dumps(json.loads(raw), indent=2).encode(),
        lambda raw: json.dumps(json.loads(raw), separators=(",", ":"), ensure_ascii=False).encode(),
        lambda raw: raw.replace(b"acme", rb"\u0061cme"),
        lambda raw: json.dumps(json.loads(raw), sort_keys=True).encode(),
    ],
    ids=["order", "indent", "compact", "escape", "sorted"],
)
def test_equivalent_json_is_unchanged(project: Project, rewrite: Callable[[bytes], bytes]) -> None:
    run = DONE | {
        "instructions": "é漢",
        "metadata": {"customer": "acme", "n": 1.0},
        "unknown": {"a": [1, {"b": 2}]},
    }
    ingest(project, RUNS, [RawItem(0, as_bytes(run))])
    assert outcomes(ingest(project, RUNS, [RawItem(0, rewrite(as_bytes(run)))])) == ["unchanged"]
    assert (Run.objects.get().version, Observation.objects.count()) == (1, 0)


@pytest.mark.parametrize("record_type", [RUNS, STEPS, MESSAGES], ids=lambda record_type: record_type.name)
def test_identical_post_updates_seen_at_once_a_minute(project: Project, record_type: record_types.RecordType) -> None:
    one, other = {
        "runs": (run_object(), run_object()),
        "steps": (step_object(DONE), step_object(DONE)),
        "messages": (message_object(), message_object()),
    }[record_type.name]
    post(project, one, other, kind=record_type)
    before = {row["external_id"]: row for row in record_type.model._default_manager.values()}

    with CaptureQueriesContext(connection) as queries:
        assert outcomes(post(project, one, kind=record_type)) == ["unchanged"]
    assert {row["external_id"]: row for row in record_type.model._default_manager.values()} == before
    assert not any(query["sql"].startswith("INSERT") for query in queries)

    long_ago = timezone.now() - timedelta(minutes=2)
    record_type.model._default_manager.update(seen_at=long_ago)
    post(project, one, kind=record_type)
    after = {row["external_id"]: row for row in record_type.model._default_manager.values()}
    assert after[one["id"]].pop("seen_at") > long_ago
    assert after[other["id"]].pop("seen_at") == long_ago
    for row in before.values():
        del row["seen_at"]
    assert after == before


def test_repeated_id_in_request_ends_in_latest_state(project: Project) -> None:
    report = post(project, WAITING, DONE, QUEUED, DONE, run_object(id="run_2"), UNCOUNTED)
    assert outcomes(report) == ["created", "updated", "stale", "unchanged", "created", "stale"]
    assert stored(project) == DONE
    assert Run.objects.count() == 2


def test_projects_are_isolated(project: Project) -> None:
    other = factories.make_project("other")
    post(project, DONE)
    assert outcomes(post(other, QUEUED)) == ["created"]
    assert (stored(project), stored(other)) == (DONE, QUEUED)


@objects.examples(25)
@given(st.data())
def test_any_order_of_lifecycles_ends_in_last_states(project: Project, data: st.DataObject) -> None:
    other_project = Project.objects.create(slug=f"p{Project.objects.count()}", name="p")
    runs = {f"run_{number}": data.draw(lifecycles(f"run_{number}")) for number in range(2)}
    ended: set[str] = set()
    for request in data.draw(posted([snapshot for snapshots in runs.values() for snapshot in snapshots])):
        post(other_project, *request)
        statuses = dict(Run.objects.in_project(other_project).values_list("external_id", "status"))
        assert all(statuses[run_id] in TERMINAL_RUN_STATUSES for run_id in ended)
        ended = {run_id for run_id, status in statuses.items() if status in TERMINAL_RUN_STATUSES}
    for run_id, snapshots in runs.items():
        assert stored(other_project, run_id) == snapshots[-1]


@pytest.mark.parametrize(
    ("record_type", "strategy"),
    [(RUNS, objects.runs), (STEPS, objects.steps), (MESSAGES, objects.messages)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_every_object_round_trips_through_database(
    project: Project, record_type: record_types.RecordType, strategy: st.SearchStrategy[str]
) -> None:
    @objects.examples(35 if record_type is RUNS else 20)
    @given(st.lists(strategy, min_size=1, max_size=3))
    def round_trips(raws: list[str]) -> None:
        other_project = Project.objects.create(slug=f"p{Project.objects.count()}", name="p")
        by_key = {}
        for raw in raws:
            posted_object = objects.as_written(raw)
            by_key[posted_object["id"], posted_object["run_id"] if record_type is STEPS else None] = raw
        report = ingest(
            other_project, record_type, [RawItem(index, raw.encode()) for index, raw in enumerate(by_key.values())]
        )
        assert report.errors == []
        records = record_type.model._default_manager.filter(project=other_project)
        back = [record.as_json() for record in records]  # type: ignore[attr-defined]
        assert _sorted(back) == _sorted(by_key.values())
        again = ingest(
            other_project, record_type, [RawItem(index, raw.encode()) for index, raw in enumerate(by_key.values())]
        )
        assert set(again.outcomes.values()) == {Outcome.UNCHANGED}

    round_trips()


def _sorted(raws: Any) -> list[Any]:
    return sorted(map(objects.as_written, raws), key=lambda tree: json.dumps(tree, sort_keys=True))


INVALID = [
    (b"{", "", "not JSON"),
    (b"[]", "", "expected an object"),
    (b"\xff", "", "not UTF-8"),
    (b'{"id":' + b"[" * 500 + b"]" * 500 + b"}", "", "nested more than 200 levels"),
    (as_bytes(run_object(status=None)), "/status", "got null"),
    (as_bytes(run_object(id="\ud800")), "/id", "surrogates"),
    (as_bytes(run_object(object="\ud800")), "/object", "expected"),
    (as_bytes(step_object(DONE)), "/object", "/api/v1/steps"),
    (as_bytes({"object": "response"}), "/object", "Responses API"),
]


@pytest.mark.parametrize(("raw", "path", "message"), INVALID, ids=[message for _, _, message in INVALID])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_invalid_object_does_not_affect_others(
    project: Project, raw: bytes, path: str, message: str, index: int
) -> None:
    raws = [as_bytes(run_object(id="good_1")), as_bytes(run_object(id="good_2"))]
    raws.insert(index, raw)
    report = ingest(project, RUNS, [RawItem(position, item) for position, item in enumerate(raws)])
    assert [(problem.index, problem.path) for problem in report.errors] == [(index, path)]
    assert message in report.errors[0].message
    json.dumps(report.errors[0].as_json(), ensure_ascii=False).encode()
    assert set(Run.objects.values_list("external_id", flat=True)) == {"good_1", "good_2"}
    assert report.counts == {
        "received": 3, "created": 2, "updated": 0, "unchanged": 0, "stale": 0, "rejected": 1,
    }  # fmt: skip


@pytest.mark.parametrize("size", [3, 60], ids=["in one statement", "through COPY"])
def test_row_refused_by_database_does_not_affect_others(
    project: Project, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    parse = record_types.parse_plain_run

    def parse_poison(raw: bytes) -> Any:
        parsed = parse(raw)
        if parsed is not None and parsed.columns.external_id == "poison":
            parsed.columns.thread_id = "a\0b"
        return parsed

    monkeypatch.setattr(record_types, "parse_plain_run", parse_poison)
    names = [f"good_{number}" for number in range(size)]
    names.insert(1, "poison")
    report = post(project, *(run_object(id=name) for name in names))
    assert [(problem.index, problem.id) for problem in report.errors] == [(1, "poison")]
    assert "refused by the database" in report.errors[0].message
    assert report.counts["created"] == size
    assert Run.objects.count() == size
    assert 1 not in report.ids


def test_member_name_with_nul_can_change(project: Project) -> None:
    names = ["a\0b", "\ud800", "plain"]
    post(project, QUEUED | dict.fromkeys(names, 1))
    assert outcomes(post(project, QUEUED | dict.fromkeys(names, 2), run_object())) == ["updated", "created"]
    assert stored(project) == QUEUED | dict.fromkeys(names, 2)
    assert Observation.objects.get().changed == ["a\ufffdb", "\ufffd", "plain"]


def test_connection_error_is_raised(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr("runs.ingest.write.write_records", broken)
    with pytest.raises(DatabaseError, match="gone"):
        post(project, DONE)


def test_empty_request_stores_nothing(project: Project) -> None:
    assert post(project).counts["received"] == 0


def test_mixed_objects_keep_their_indexes(project: Project) -> None:
    mixed = [
        step_object(DONE),
        DONE,
        message_object(DONE),
        {"object": 7},
        QUEUED,
        {"object": "thread.run.step"},
        {},
    ]
    items = [RawItem(index, as_bytes(item)) for index, item in enumerate(mixed)]
    report = ingest_mixed(project, items)
    assert {index: outcome.value for index, outcome in report.outcomes.items()} == {
        0: "created", 1: "created", 2: "created", 4: "stale",
    }  # fmt: skip
    assert {problem.index for problem in report.errors} == {3, 5, 6}
    assert [problem.index or 0 for problem in report.errors] == sorted(problem.index or 0 for problem in report.errors)
    assert report.received == 7
    assert set(RECORD_TYPES) == {"thread.run", "thread.run.step", "thread.message", "assistant"}


def test_step_may_arrive_before_its_run(project: Project) -> None:
    calls = [function_call("search"), {"type": "file_search", "file_search": {}}, function_call("search")]
    early = step_object(DONE, *calls)
    assert outcomes(factories.post_steps(project, early)) == ["created"]
    assert Run.objects.find(project, "run_1") is None
    post(project, DONE)
    record = Run.objects.get()
    assert [json.loads(step.as_json()) for step in RunStep.objects.of_run(record)] == [early]
    assert RunStep.objects.count_tools_by_run([record.pk]) == {record.pk: {"search": 2, "file_search": 1}}


def test_stale_steps_and_messages_are_ignored(project: Project) -> None:
    ended = step_object(DONE, id="step_1")
    begun = ended | {"status": "in_progress", "completed_at": None, "usage": None}
    uncounted = ended | {"usage": None}
    assert outcomes(factories.post_steps(project, begun, ended, uncounted, begun)) == [
        "created", "updated", "stale", "stale",
    ]  # fmt: skip
    assert json.loads(RunStep.objects.get().as_json()) == ended

    written = message_object(DONE, status="completed", completed_at=NOW + 3)
    writing = written | {"status": "in_progress", "completed_at": None, "content": []}
    assert outcomes(factories.post_messages(project, written, writing, written)) == [
        "created",
        "stale",
        "unchanged",
    ]
    assert json.loads(Message.objects.get().as_json()) == written


def test_steps_of_different_runs_may_share_id(project: Project) -> None:
    steps = [step_object(run, id="step_1") for run in (DONE, DONE | {"id": "run_2"})]
    assert outcomes(factories.post_steps(project, *steps)) == ["created", "created"]
