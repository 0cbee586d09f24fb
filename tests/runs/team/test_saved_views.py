"""Saved views: names, limits, and at most one default per project."""

from __future__ import annotations

from typing import Any

import pytest

from runs.errors import InvalidView
from runs.models import Project, SavedView, User
from runs.query import RunFilters
from runs.team import saved_views
from tests import factories
from tests.factories import make_saved_view


def test_query_and_name_are_normalized(project: Project, member: User) -> None:
    view = make_saved_view(
        project, member, "  Failing   today ", query="status:failed  AND created:>=-24h", sort="-duration"
    )
    view.refresh_from_db()
    assert (view.name, view.query) == ("Failing today", "status:failed created:-24h")
    assert RunFilters.parse_query_text(view.query).to_query_string() == "status=failed&from=-24h"


@pytest.mark.parametrize(
    ("fields", "path", "message"),
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
def test_invalid_view_names_the_field(
    project: Project, member: User, fields: dict[str, Any], path: str, message: str
) -> None:
    make_saved_view(project, member, "Mine")
    with pytest.raises(InvalidView) as raised:
        make_saved_view(project, member, **({"name": "Other"} | fields))
    (problem,) = raised.value.problems
    assert problem.path == path
    assert message in problem.message


def test_names_are_unique_among_siblings(project: Project, member: User) -> None:
    other = factories.make_user(project)
    for owner, shared in ((member, False), (other, False), (member, True)):
        make_saved_view(project, owner, "Failing", shared=shared)
    make_saved_view(factories.make_project("other"), member, "Failing", shared=True)
    with pytest.raises(InvalidView, match="there is already a view 'failing'"):
        make_saved_view(project, other, "failing", shared=True)


def test_number_of_views_is_limited(project: Project, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MAX_SAVED_VIEWS", 2)
    views = [make_saved_view(project, member, name) for name in ("One", "Two")]
    with pytest.raises(InvalidView, match="there are already 2 private views"):
        make_saved_view(project, member, "Three")
    make_saved_view(project, member, "Three", shared=True)
    views[0].name = "First"
    saved_views.save_view(views[0])


def test_project_has_one_default(project: Project, member: User) -> None:
    first = make_saved_view(project, member, "First", shared=True, default=True)
    second = make_saved_view(project, member, "Second", shared=True, default=True)
    first.refresh_from_db()
    assert (first.is_default, second.is_default) == (False, True)
    second.name = "Renamed"
    saved_views.save_view(second)
    assert second.is_default
    saved_views.save_view(second, default=False)
    assert not SavedView.objects.defaults().exists()


def test_default_view_must_be_shared(project: Project, member: User) -> None:
    view = make_saved_view(project, member, "First", shared=True, default=True)
    view.shared = False
    with pytest.raises(InvalidView, match="must be shared with the project"):
        saved_views.save_view(view)


def test_shared_and_own_views_are_visible(project: Project, member: User) -> None:
    other = factories.make_user(project)
    make_saved_view(project, other, "Theirs")
    make_saved_view(project, member, "Mine")
    make_saved_view(project, other, "B", shared=True)
    make_saved_view(project, member, "C", shared=True, default=True)
    make_saved_view(project, other, "A", shared=True)
    make_saved_view(factories.make_project("other"), member, "Elsewhere", shared=True)
    assert [view.name for view in SavedView.objects.visible_to(member, project)] == ["C", "A", "B", "Mine"]


@pytest.mark.parametrize(
    ("role", "is_own", "shared", "expected"),
    [
        ("viewer", True, False, False),
        ("member", True, False, True),
        ("member", False, True, False),
        ("admin", False, True, True),
        ("admin", False, False, False),
        ("", True, True, False),
    ],
)
def test_owners_and_administrators_change_views(
    project: Project, member: User, role: str, is_own: bool, shared: bool, expected: bool
) -> None:
    owner = member if is_own else factories.make_user(project)
    view = make_saved_view(project, owner, "View", shared=shared)
    assert view.can_be_changed_by(member, role) is expected


def test_shared_view_outlives_its_owner(project: Project, member: User) -> None:
    view = make_saved_view(project, member, "Kept", shared=True)
    member.delete()
    view.refresh_from_db()
    assert view.owner is None
