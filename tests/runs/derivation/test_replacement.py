"""Derived runs replace stored ones as the whole truth, and only those of their own source."""

from __future__ import annotations

from typing import Any

import pytest

from runs.derivation import DerivedRun
from runs.errors import InvalidObject, SourceConflict
from runs.ingest import Outcome
from runs.models import HourByTool, Message, Observation, Project, Run, RunAlias, RunReview, RunSource, RunStep, RunTag
from runs.team.comments import add_comment
from runs.team.deletion import delete_runs
from runs.team.reviews import mark_reviewed
from runs.team.tags import add_tags
from tests import factories
from tests.factories import derive, derived_run, function_call, message_object, run_object, step_object
from tests.runs.rollups.test_runs import read_rollups, recount_rollups


def count_calls(project: Project) -> dict[str, int]:
    rows = HourByTool.objects.filter(project=project).values_list("name", "calls")
    counts: dict[str, int] = {}
    for name, calls in rows:
        counts[name] = counts.get(name, 0) + calls
    return {name: count for name, count in counts.items() if count}


def test_derived_run_is_stored_with_parts(project: Project) -> None:
    run = run_object(id="trace_1", vendor={"spans": 3})
    derived = DerivedRun(run, [step_object(run, function_call("search"))], [message_object(run, "Found it.")])
    assert derive(project, derived) == {"trace_1": Outcome.CREATED}
    stored = Run.objects.get()
    assert (stored.source, stored.external_id) == (RunSource.OTEL, "trace_1")
    assert b'"vendor":{"spans":3}' in stored.as_json()
    assert RunStep.objects.of_run(stored).get().tool_names == ["search"]
    assert Message.objects.of_run(stored).get().text == "Found it."


def test_same_runs_again_write_nothing(project: Project) -> None:
    derived = derived_run(None, function_call("search"))
    derive(project, derived)
    versions = (Run.objects.get().version, RunStep.objects.get().version, Message.objects.get().version)
    assert set(derive(project, derived).values()) == {Outcome.UNCHANGED}
    assert (Run.objects.get().version, RunStep.objects.get().version, Message.objects.get().version) == versions


def test_derived_run_may_go_back(project: Project) -> None:
    run = run_object()
    derive(project, DerivedRun(run))
    back = run | {"status": "in_progress", "completed_at": None, "usage": None}
    assert set(derive(project, DerivedRun(back)).values()) == {Outcome.UPDATED}
    stored = Run.objects.get()
    assert (stored.status, stored.total_tokens, stored.history_length) == ("in_progress", None, 0)
    assert not Observation.objects.exists()
    assert read_rollups(project) == recount_rollups(project)


def test_vanished_parts_are_deleted_and_uncounted(project: Project) -> None:
    run = run_object()
    steps = [step_object(run, function_call(name)) for name in ("search", "refund")]
    messages = [message_object(run, text) for text in ("One.", "Two.")]
    derive(project, DerivedRun(run, steps, messages))
    assert count_calls(project) == {"search": 1, "refund": 1}
    derive(project, DerivedRun(run, steps[1:], messages[:1]))
    assert [step.external_id for step in RunStep.objects.all()] == [steps[1]["id"]]
    assert [message.text for message in Message.objects.all()] == ["One."]
    assert count_calls(project) == {"refund": 1}


def test_former_run_moves_with_annotations(project: Project) -> None:
    inner, outer = derived_run(run_object(id="inner"), function_call("search")), derived_run(run_object(id="outer"))
    derive(project, inner)
    add_comment(Run.objects.get(), factories.make_user(project), "Look at this.")
    add_tags(project, [project.record_id("inner")], ["odd"], factories.make_user(project))
    mark_reviewed(project, [project.record_id("inner")], "ann")
    derive(project, outer, former_ids=["inner"], aliases={"inner": "outer"})

    run = Run.objects.get()
    assert RunAlias.objects.resolve_run(project, "inner") == run
    assert [tag.created_at for tag in RunTag.objects.filter(run=run, tag="odd")] == [run.created_at]
    review = RunReview.objects.get()
    assert (review.run_id, review.created_at, review.reviewer) == (run.pk, run.created_at, "ann")
    assert run.comments.count() == 1
    assert not RunStep.objects.exists()
    assert [message.run_external_id for message in Message.objects.all()] == ["outer"]
    assert count_calls(project) == {}
    assert read_rollups(project) == recount_rollups(project)


def test_review_of_the_run_that_takes_over_stays(project: Project) -> None:
    for name, reviewer in {"inner": "ann", "outer": "bob"}.items():
        derive(project, derived_run(run_object(id=name)))
        mark_reviewed(project, [project.record_id(name)], reviewer)
    derive(project, derived_run(run_object(id="outer")), former_ids=["inner"], aliases={"inner": "outer"})
    assert [(review.run_id, review.reviewer) for review in RunReview.objects.all()] == [(Run.objects.get().pk, "bob")]


def test_aliases_follow_their_run(project: Project) -> None:
    for run_id, former in (("b", "a"), ("c", "b")):
        derive(project, derived_run(run_object(id=run_id)), former_ids=[former], aliases={former: run_id})
    assert sorted(RunAlias.objects.values_list("external_id", "run_external_id")) == [("a", "c"), ("b", "c")]
    derive(project, derived_run(run_object(id="a")))  # it is a run of its own again
    run = RunAlias.objects.resolve_run(project, "a")
    assert run is not None
    assert run.external_id == "a"


def test_equal_message_ids_stay_apart(project: Project) -> None:
    posted = message_object(id="msg_0")
    factories.post_messages(project, posted)
    runs = [run_object(), run_object()]
    for run in runs:
        derive(project, DerivedRun(run, [], [message_object(run, f"From {run['id']}.", id="msg_0")]))
    assert Message.objects.filter(external_id="msg_0").count() == 3
    derive(project, DerivedRun(runs[0]))
    assert set(Message.objects.values_list("run_external_id", flat=True)) == {None, runs[1]["id"]}


@pytest.mark.parametrize("first", [None, RunSource.RESPONSES], ids=["posted", "of another source"])
def test_run_of_another_source_is_kept(project: Project, first: RunSource | None) -> None:
    run = run_object(id="trace_1", model="theirs")
    if first is None:
        factories.post(project, run)
    else:
        derive(project, DerivedRun(run), source=first)
    with pytest.raises(SourceConflict) as caught:
        derive(project, DerivedRun(run | {"model": "ours"}), DerivedRun(run_object()))
    assert [problem.id for problem in caught.value.problems] == ["trace_1"]
    assert [run.model for run in Run.objects.all()] == ["theirs"]


def test_posts_over_derived_run_are_rejected(project: Project) -> None:
    run = run_object(id="trace_1")
    derive(project, DerivedRun(run))
    report = factories.post(project, run | {"model": "other"}, run_object(id="run_1"))
    assert [(problem.index, problem.path) for problem in report.errors] == [(0, "/id")]
    assert "derived from the spans of a trace" in report.errors[0].message
    assert report.counts["created"] == report.counts["rejected"] == 1

    report = factories.post_steps(project, step_object(run), step_object(run_object(id="run_1")))
    assert [(problem.index, problem.path) for problem in report.errors] == [(0, "/run_id")]
    assert report.counts["created"] == 1
    assert RunStep.objects.get().run_external_id == "run_1"


@pytest.mark.parametrize(
    ("changes", "path"),
    [({"status": ""}, "/thread.run/status"), ({"thread_id": "a/b"}, "/thread.run/thread_id")],
)
def test_invalid_derived_run_names_its_fault(project: Project, changes: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidObject) as caught:
        derive(project, DerivedRun(run_object(id="trace_1") | changes), DerivedRun(run_object()))
    assert [(problem.id, problem.path) for problem in caught.value.problems] == [("trace_1", path)]
    assert not Run.objects.exists()


def test_deletion_by_former_id_deletes_run(project: Project) -> None:
    derive(project, derived_run(run_object(id="outer")), aliases={"inner": "outer"})
    counts = delete_runs(project, ["inner"], lambda _: None)
    assert (counts.runs, counts.messages) == (1, 1)
    assert not RunAlias.objects.exists()
    assert read_rollups(project) == recount_rollups(project)


def test_lone_surrogates_and_long_numbers_survive(project: Project) -> None:
    run = run_object(odd=["\ud800", 10**30])
    derive(project, DerivedRun(run))
    assert rb"[\ud800,1000000000000000000000000000000]".replace(rb"\ud800", rb'"\ud800"') in Run.objects.get().as_json()
