"""Deleting a run takes away all that hangs on it, and nothing else."""

from __future__ import annotations

from runs.models import Comment, Observation, Project, Run, RunStep, RunTag
from runs.team import comments, tags
from runs.team.deletion import delete_run
from tests import factories
from tests.factories import run_object, step_object


def test_a_run_goes_with_all_that_hangs_on_it(project: Project) -> None:
    gone, stays = run_object(), run_object()
    for each in (gone, stays):
        factories.post(project, each | {"status": "queued", "usage": None}, each)
        factories.post_steps(project, step_object(each))
        comments.add_comment(Run.objects.get(external_id=each["id"]), factories.make_user(project), "Seen.")
    tags.add_tags(
        project, [project.record_id(each["id"]) for each in (gone, stays)], ["kept"], factories.make_user(project)
    )
    delete_run(Run.objects.get(external_id=gone["id"]))
    left = project.record_id(stays["id"])
    assert [run.pk for run in Run.objects.all()] == [left]
    assert set(RunStep.objects.values_list("run_id", flat=True)) == {left}
    assert set(RunTag.objects.values_list("run_id", flat=True)) == {left}
    assert set(Observation.objects.values_list("run_id", flat=True)) == {left}
    assert set(Comment.objects.values_list("run_id", flat=True)) == {left}


def test_a_run_that_is_gone_already_is_no_error(project: Project) -> None:
    run = factories.post_run(project)
    delete_run(run)
    delete_run(run)
    assert not Run.objects.exists()
