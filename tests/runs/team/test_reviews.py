"""Reviews: who marked which runs as reviewed, and what leaves the marks alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runs.models import Project, Run, RunReview, User
from runs.query import Query, RunFilters, planner
from runs.query.scope import NEVER
from runs.team.reviews import mark_reviewed, unmark_reviewed
from runs.team.tags import add_tags
from tests import factories


def test_runs_are_marked_and_unmarked(project: Project, member: User) -> None:
    runs = [factories.post_run(project) for _ in range(3)]
    keys = [run.pk for run in runs]
    before = datetime.now(UTC)
    assert mark_reviewed(project, keys[:2], member) == 2
    review = RunReview.objects.of_run(runs[0])
    assert review is not None
    assert (review.reviewer, review.created_at, review.project) == (
        member.get_username(),
        runs[0].created_at,
        project,
    )
    assert before <= review.reviewed_at <= datetime.now(UTC)
    assert unmark_reviewed(project, keys[1:]) == 1
    assert RunReview.objects.by_run(keys).keys() == {keys[0]}


def test_first_review_stays(project: Project) -> None:
    run = factories.post_run(project)
    assert mark_reviewed(project, [run.pk], "ann") == 1
    assert mark_reviewed(project, [run.pk], "bob") == 0
    assert RunReview.objects.get().reviewer == "ann"


def test_runs_of_other_projects_are_not_marked(project: Project, member: User) -> None:
    other = factories.make_project("other")
    run = factories.post_run(other)
    assert mark_reviewed(project, [run.pk], member) == 0
    mark_reviewed(other, [run.pk], member)
    assert unmark_reviewed(project, [run.pk]) == 0
    assert RunReview.objects.exists()


def test_review_outlives_its_author_and_new_posts(project: Project, member: User) -> None:
    posted = factories.run_object(status="in_progress", completed_at=None)
    factories.post(project, posted)
    run = Run.objects.get()
    before = run.as_json()
    name = member.get_username()
    mark_reviewed(project, [run.pk], member)
    run.refresh_from_db()
    assert run.as_json() == before
    member.delete()
    factories.post(project, posted | {"status": "completed", "completed_at": posted["created_at"] + 5})
    assert Run.objects.get().status == "completed"
    assert RunReview.objects.get().reviewer == name


def test_reviews_follow_changed_creation_time(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "SAMPLE_SIZE", 1)
    run = factories.post_run(project, id="run_moved", created_at=factories.NOW)
    other = factories.post_run(project, id="run_other", created_at=factories.NOW + 1000)
    mark_reviewed(project, [run.pk, other.pk], "ann")
    factories.post_run(project, id="run_moved", created_at=factories.NOW + 5000)
    late = datetime.fromtimestamp(factories.NOW + 5000, UTC)
    assert RunReview.objects.newest_run_created_at() == late
    for text in ("reviewed:yes", "reviewed:ann", "reviewed:a*", "reviewed:ann,bob"):
        runs = RunFilters(q=Query.parse(text)).apply(Run.objects.in_project(project)).newest_first()
        assert [run.external_id for run in runs] == ["run_moved", "run_other"], text


@pytest.mark.parametrize("text", ["reviewed:no", "-reviewed:yes", "-reviewed:ann", "-tag:seen", "-tag:*"])
def test_search_starts_at_newest_run_without_mark(project: Project, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(planner, "SAMPLE_SIZE", 1)
    runs = [factories.post_run(project, created_at=factories.NOW - hours * 1800) for hours in range(6)]
    query, found = RunFilters.parse_query_text(text), Run.objects.in_project(project)
    for marked in (0, 3, 6):  # the newest ones, half an hour apart
        keys = [run.pk for run in runs[:marked]]
        mark_reviewed(project, keys, "ann")
        add_tags(project, keys, ["seen"], None)
        plan = query.plan(project)
        expected = runs[marked:]
        assert plan._created_between[1] == (expected[0].created_at if expected else NEVER)
        assert list(query.apply(found).newest_first()) == expected
        assert found.filter(plan.build_count_condition()[0]).count() == len(expected)
