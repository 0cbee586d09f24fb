"""Display names of assistants: a given name takes precedence over the posted one."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from runs.ingest import ASSISTANTS
from runs.models import Assistant, Project
from tests import factories
from tests.factories import assistant_object

pytestmark = pytest.mark.django_db


def post_names(project: Project, **names: str | None) -> list[str]:
    objects = [assistant_object(id=assistant_id, name=name) for assistant_id, name in names.items()]
    report = factories.post(project, *objects, kind=ASSISTANTS)
    assert not report.errors
    return [report.outcomes[index].value for index in range(len(objects))]


def names(project: Project, *ids: str) -> dict[str, str]:
    return Assistant.objects.names_by_id(project, ids or ("asst_a", "asst_b"))


def test_last_posted_name_is_shown(project: Project) -> None:
    assert post_names(project, asst_a="Returns desk", asst_b=None) == ["created", "created"]
    assert names(project) == {"asst_a": "Returns desk"}
    assert post_names(project, asst_a="Returns desk", asst_b="Billing") == ["unchanged", "updated"]
    assert post_names(project, asst_a="Returns", asst_b=None) == ["updated", "updated"]
    assert names(project) == {"asst_a": "Returns"}


def test_last_name_of_a_request_is_stored(project: Project) -> None:
    twice = [assistant_object(id="asst_a", name=name) for name in ("Old", "New", "New")]
    report = factories.post(project, *twice, kind=ASSISTANTS)
    assert [outcome.value for outcome in report.outcomes.values()] == ["created", "updated", "unchanged"]
    assert names(project) == {"asst_a": "New"}


def test_given_name_takes_precedence(project: Project) -> None:
    user = factories.make_user(project)
    post_names(project, asst_a="Returns desk")
    Assistant.objects.set_given_name(project, "asst_a", "Herr Weber's", user)
    assert names(project) == {"asst_a": "Herr Weber's"}
    assert post_names(project, asst_a="Returns desk 2") == ["updated"]
    assert names(project) == {"asst_a": "Herr Weber's"}
    assistant = Assistant.objects.find(project, "asst_a")
    assert assistant is not None
    assert (assistant.given_by, assistant.posted_name) == (user, "Returns desk 2")


def test_removing_given_name_shows_posted_name(project: Project) -> None:
    user = factories.make_user(project)
    post_names(project, asst_a="Returns desk")
    Assistant.objects.set_given_name(project, "asst_a", "Other", user)
    Assistant.objects.set_given_name(project, "asst_a", None, user)
    assert names(project) == {"asst_a": "Returns desk"}


def test_unknown_assistant_can_be_named(project: Project) -> None:
    Assistant.objects.set_given_name(project, "asst_a", "Returns desk", factories.make_user(project))
    assert names(project) == {"asst_a": "Returns desk"}
    assert post_names(project, asst_a="Posted") == ["updated"]
    assert names(project) == {"asst_a": "Returns desk"}


def test_projects_have_separate_names(project: Project) -> None:
    other = factories.make_project("other")
    post_names(project, asst_a="Ours")
    post_names(other, asst_a="Theirs")
    assert names(project) == {"asst_a": "Ours"}
    assert names(other) == {"asst_a": "Theirs"}
    assert Assistant.objects.ids_with_name_like(project, ["Theirs"]) == []
    assert Assistant.objects.names_like(other, "%ours%") == {}


def test_names_take_one_query_at_most(project: Project, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    post_names(project, **{f"asst_{number}": f"Desk {number}" for number in range(20)})
    with django_assert_num_queries(1):
        assert len(names(project, *(f"asst_{number}" for number in range(20)))) == 20
    with django_assert_num_queries(0):
        assert Assistant.objects.names_by_id(project, [None]) == {}


def test_many_names_are_stored_at_once(project: Project) -> None:
    many = {f"asst_{number}": f"Desk {number}" for number in range(200)}
    assert set(post_names(project, **many)) == {"created"}
    assert set(post_names(project, **many)) == {"unchanged"}
    assert set(post_names(project, **dict.fromkeys(many, "Same"))) == {"updated"}
    assert len(Assistant.objects.ids_with_name_like(project, ["Same"])) == 200
