"""Who may open a page."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory

from dashboard.web.permissions import admin_required, member_required, viewer_required
from runs.models import Project, User
from tests import factories


@viewer_required
def page(request: HttpRequest, project: Project, run_id: str = "") -> HttpResponse:
    """A page."""
    return HttpResponse(f"{project.slug} {run_id}")


def asked_by(user: User | AnonymousUser) -> HttpRequest:
    request = RequestFactory().get("/p/default/runs/?status=failed")
    request.user = user
    return request


@pytest.mark.parametrize("role", ["viewer", "member", "admin"])
def test_members_of_every_role_see_their_project(project: Project, role: str) -> None:
    response = page(asked_by(factories.make_user(project, role)), project="default", run_id="run_1")
    assert isinstance(response, HttpResponse)
    assert response.content == b"default run_1"


def test_whoever_is_not_signed_in_is_asked_to_and_comes_back(project: Project) -> None:
    response = page(asked_by(AnonymousUser()), project="default")
    assert response.status_code == 302
    assert response["Location"] == "/login/?next=/p/default/runs/%3Fstatus%3Dfailed"


@pytest.mark.parametrize("slug", ["default", "nowhere"])
def test_to_strangers_a_project_looks_like_none(project: Project, slug: str) -> None:
    stranger = factories.make_user(factories.make_project("other"))
    with pytest.raises(Http404):
        page(asked_by(stranger), project=slug)


def test_administrators_of_the_site_are_no_exception(project: Project) -> None:
    user = factories.make_user()
    user.is_superuser = user.is_staff = True
    user.save()
    with pytest.raises(Http404):
        page(asked_by(user), project="default")


def test_a_page_keeps_its_name(project: Project) -> None:
    assert (page.__name__, page.__doc__) == ("page", "A page.")


@pytest.mark.parametrize(
    ("guard", "role", "enters"),
    [
        (member_required, "viewer", False),
        (member_required, "member", True),
        (member_required, "admin", True),
        (admin_required, "viewer", False),
        (admin_required, "member", False),
        (admin_required, "admin", True),
    ],
)
def test_what_writes_is_for_those_who_may(project: Project, guard: Any, role: str, enters: bool) -> None:
    view = guard(lambda *_: HttpResponse("in"))
    asked = asked_by(factories.make_user(project, role))
    if enters:
        assert view(asked, project="default").content == b"in"
    else:
        with pytest.raises(PermissionDenied):
            view(asked, project="default")


def test_a_role_in_another_project_opens_nothing(project: Project) -> None:
    user = factories.make_user(factories.make_project("other"), "admin")
    with pytest.raises(Http404):
        member_required(lambda *_: HttpResponse())(asked_by(user), project="default")
