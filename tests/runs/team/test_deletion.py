"""Deleting a run deletes everything that belongs to it, and nothing else."""

from __future__ import annotations

from runs.models import Comment, Observation, Project, Run, RunStep, RunTag, StepObservation
from runs.team import comments, tags
from runs.team.deletion import delete_run
from tests import factories
from tests.factories import run_object, step_object


def test_everything_of_the_run_is_deleted(project: Project) -> None:
    deleted, remaining = run_object(), run_object()
    for posted in (deleted, remaining):
        factories.post(project, posted | {"status": "queued", "usage": None}, posted)
        step = step_object(posted)
        factories.post_steps(project, step | {"usage": None}, step)
        comments.add_comment(Run.objects.get(external_id=posted["id"]), factories.make_user(project), "Seen.")
    tags.add_tags(
        project,
        [project.record_id(posted["id"]) for posted in (deleted, remaining)],
        ["kept"],
        factories.make_user(project),
    )
    delete_run(Run.objects.get(external_id=deleted["id"]))
    remaining_id = project.record_id(remaining["id"])
    assert [run.pk for run in Run.objects.all()] == [remaining_id]
    assert set(RunStep.objects.values_list("run_id", flat=True)) == {remaining_id}
    assert set(RunTag.objects.values_list("run_id", flat=True)) == {remaining_id}
    assert set(Observation.objects.values_list("run_id", flat=True)) == {remaining_id}
    assert set(StepObservation.objects.values_list("run_id", flat=True)) == {remaining_id}
    assert set(Comment.objects.values_list("run_id", flat=True)) == {remaining_id}


def test_deleting_twice_is_no_error(project: Project) -> None:
    run = factories.post_run(project)
    delete_run(run)
    delete_run(run)
    assert not Run.objects.exists()
