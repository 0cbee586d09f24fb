"""QuerySet methods that no other tests cover."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from pytest_django import DjangoAssertNumQueries

from runs.db.keyset_pagination import Cursor
from runs.models import ApiKey, Message, Project, Run, RunStep
from runs.models.run import ERROR_PREVIEW_LENGTH
from runs.query.order import parse_cursor
from tests import factories
from tests.factories import NOW, function_call, message_object, run_object, step_object


def external_ids(runs: Any) -> list[str]:
    return [run.external_id for run in runs]


def test_project_is_visible_to_members_only(project: Project) -> None:
    other = factories.make_project("other")
    member, stranger = factories.make_user(project), factories.make_user()
    assert list(Project.objects.visible_to(member)) == [project]
    assert list(Project.objects.visible_to(factories.make_user(other))) == [other]
    assert list(Project.objects.visible_to(stranger)) == []


def test_superuser_is_no_member(project: Project) -> None:
    user = factories.make_user()
    user.is_superuser = True
    user.save()
    assert list(Project.objects.visible_to(user)) == []
    with pytest.raises(TypeError):
        list(Project.objects.visible_to(AnonymousUser()))


def test_revoked_key_keeps_its_name(project: Project) -> None:
    factories.make_key(project)
    key = ApiKey.objects.get()
    ApiKey.objects.update(revoked_at=key.created_at)
    assert ApiKey.objects.names_by_id([key.pk, None, 0]) == {key.pk: "test"}
    assert not ApiKey.objects.usable().exists()


def test_run_is_found_within_its_project(project: Project) -> None:
    run = factories.post_run(project, id="run_1")
    assert Run.objects.find(project, "run_1") == run
    assert Run.objects.find(project, "run_2") is None
    assert Run.objects.find(factories.make_project("other"), "run_1") is None


def test_pages_stay_complete_while_runs_arrive(project: Project) -> None:
    """Fetch pages of three out of twenty runs with few distinct times, while newer, equal and older ones arrive."""
    factories.post(project, *(run_object(created_at=NOW + n // 7, started_at=None) for n in range(20)))
    present = external_ids(Run.objects.newest_first())
    walked: list[str] = []
    cursor = None
    while page := list(Run.objects.in_project(project).newest_first().after(cursor)[:3]):
        walked += external_ids(page)
        cursor = parse_cursor(str(Cursor(page[-1].created_at, page[-1].id)))
        for moment in (NOW + 100, NOW + 1, NOW - 100):
            if len(walked) < 15:
                factories.post_run(project, created_at=moment, started_at=None)
    assert len(walked) == len(set(walked))
    assert [run_id for run_id in walked if run_id in present] == present


def test_list_loads_error_preview_without_payload(
    project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    factories.post(project, factories.failed_run(message="x" * 1000))
    with django_assert_num_queries(1):
        [run] = Run.objects.for_list()
        assert run.error_preview == "x" * ERROR_PREVIEW_LENGTH
        assert run.status == "failed"
    assert run.get_deferred_fields() >= {"required_action", "extra", "error_message"}


def test_tools_are_counted_by_run_in_one_query(
    project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first, second, third = (run_object() for _ in range(3))
    search, refund = function_call("search"), function_call("refund")
    factories.post(project, first, second, third)
    factories.post_steps(project, step_object(first, search, refund), step_object(first, search), step_object(second))
    keys = [project.record_id(run["id"]) for run in (first, second, third)]
    with django_assert_num_queries(1):
        called = RunStep.objects.count_tools_by_run(keys)
    assert called == {keys[0]: {"search": 2, "refund": 1}, keys[1]: {}}


def test_steps_are_ordered_by_time(project: Project) -> None:
    run = factories.post_run(project)
    later, sooner = step_object(run_object(id=run.external_id)), step_object(run_object(id=run.external_id))
    later["created_at"] = sooner["created_at"] + 1
    factories.post_steps(project, later, sooner, step_object(run_object()))
    assert external_ids(RunStep.objects.of_run(run).oldest_first()) == [sooner["id"], later["id"]]


def test_last_question_precedes_the_run(project: Project) -> None:
    posted = run_object(created_at=NOW + 10, started_at=None)
    factories.post(project, posted)
    run = Run.objects.get()
    texts = {"first": NOW, "question": NOW + 10, "afterwards": NOW + 11}
    factories.post_messages(
        project,
        *(message_object(text=text, created_at=moment) for text, moment in texts.items()),
        message_object(text="elsewhere", created_at=NOW + 9, thread_id="thread_other"),
        message_object(posted, text="answer", created_at=NOW + 12),
    )
    question = Message.objects.last_question_before(run)
    assert question is not None
    assert question.text == "question"
    assert [message.text for message in Message.objects.of_run(run)] == ["answer"]
