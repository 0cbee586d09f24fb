"""Saved views: names, limits, and that a project has one default at the most."""

from __future__ import annotations

from typing import Any

import pytest

from runs.errors import InvalidView
from runs.models import Project, SavedView, User
from runs.query import RunFilters
from runs.team import saved_views
from tests import factories


def saved(project: Project, owner: User, name: str, *, default: bool | None = None, **fields: Any) -> SavedView:
    view = SavedView(project=project, owner=owner, name=name, **fields)
    saved_views.save_view(view, default=default)
    return view


def test_what_is_asked_is_kept_as_the_language_writes_it(project: Project, member: User) -> None:
    view = saved(project, member, "  Failing   today ", query="status:failed  AND created:>=-24h", sort="-duration")
    view.refresh_from_db()
    assert (view.name, view.query) == ("Failing today", "status:failed created:-24h")
    assert RunFilters.parse_query_text(view.to_query_string).to_query_string() == "status=failed&from=-24h"


@pytest.mark.parametrize(
    ("fields", "path", "said"),
    [
        ({"name": " "}, "name", "expected a name, such as Failing today"),
        ({"name": "x" * 61}, "name", "expected at most 60 characters, found 61"),
        ({"name": "a\0b"}, "name", "NUL"),
        ({"name": "MINE"}, "name", "there is already a view 'MINE'"),
        ({"query": "statsu:failed"}, "query", "column 1: unknown field 'statsu'; did you mean 'status'"),
        ({"sort": "-price"}, "sort", "can't sort by 'price'"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(project: Project, member: User, fields: dict[str, Any], path: str, said: str) -> None:
    saved(project, member, "Mine")
    with pytest.raises(InvalidView) as refused:
        saved(project, member, **({"name": "Other"} | fields))
    (problem,) = refused.value.problems
    assert problem.path == path
    assert said in problem.message


def test_names_are_unique_among_the_tabs_that_stand_together(project: Project, member: User) -> None:
    other = factories.make_user(project)
    for owner, shared in ((member, False), (other, False), (member, True)):
        saved(project, owner, "Failing", shared=shared)
    saved(factories.make_project("other"), member, "Failing", shared=True)
    with pytest.raises(InvalidView, match="there is already a view 'failing'"):
        saved(project, other, "failing", shared=True)


def test_there_are_so_many_and_no_more(project: Project, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MAX_SAVED_VIEWS", 2)
    views = [saved(project, member, name) for name in ("One", "Two")]
    with pytest.raises(InvalidView, match="there are already 2 private views"):
        saved(project, member, "Three")
    saved(project, member, "Three", shared=True)
    views[0].name = "First"
    saved_views.save_view(views[0])


def test_a_project_has_one_default(project: Project, member: User) -> None:
    first = saved(project, member, "First", shared=True, default=True)
    second = saved(project, member, "Second", shared=True, default=True)
    first.refresh_from_db()
    assert (first.is_default, second.is_default) == (False, True)
    second.name = "Renamed"
    saved_views.save_view(second)
    assert second.is_default
    saved_views.save_view(second, default=False)
    assert not SavedView.objects.defaults().exists()


def test_the_default_is_a_view_for_all(project: Project, member: User) -> None:
    view = saved(project, member, "First", shared=True, default=True)
    view.shared = False
    with pytest.raises(InvalidView, match="must be shared with the project"):
        saved_views.save_view(view)


def test_people_see_what_is_for_all_and_their_own(project: Project, member: User) -> None:
    other = factories.make_user(project)
    saved(project, other, "Theirs")
    saved(project, member, "Mine")
    saved(project, other, "B", shared=True)
    saved(project, member, "C", shared=True, default=True)
    saved(project, other, "A", shared=True)
    saved(factories.make_project("other"), member, "Elsewhere", shared=True)
    assert [view.name for view in SavedView.objects.visible_to(member, project)] == ["C", "A", "B", "Mine"]


@pytest.mark.parametrize(
    ("role", "is_own", "shared", "may"),
    [
        ("viewer", True, False, False),
        ("member", True, False, True),
        ("member", False, True, False),
        ("admin", False, True, True),
        ("admin", False, False, False),
        ("", True, True, False),
    ],
)
def test_owners_change_theirs_and_administrators_what_is_for_all(
    project: Project, member: User, role: str, is_own: bool, shared: bool, may: bool
) -> None:
    owner = member if is_own else factories.make_user(project)
    view = saved(project, owner, "View", shared=shared)
    assert view.can_be_changed_by(member, role) is may


def test_what_is_for_all_outlives_its_owner(project: Project, member: User) -> None:
    view = saved(project, member, "Kept", shared=True)
    member.delete()
    view.refresh_from_db()
    assert view.owner is None
