"""Tests of the decorators that check roles."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory

from dashboard.web.permissions import PROJECT_FIELD, admin_required, member_required, viewer_required
from runs.models import Project, User
from tests import factories


@viewer_required
def page(request: HttpRequest, project: Project, run_id: str = "") -> HttpResponse:
    """A page."""
    return HttpResponse(f"{project.slug} {run_id}")


def request_of(user: User | AnonymousUser) -> HttpRequest:
    request = RequestFactory().get("/p/default/runs/?status=failed")
    request.user = user
    return request


@pytest.mark.parametrize("role", ["viewer", "member", "admin"])
def test_every_role_sees_the_project(project: Project, role: str) -> None:
    response = page(request_of(factories.make_user(project, role)), project="default", run_id="run_1")
    assert isinstance(response, HttpResponse)
    assert response.content == b"default run_1"


def test_anonymous_user_is_redirected_to_login(project: Project) -> None:
    response = page(request_of(AnonymousUser()), project="default")
    assert response.status_code == 302
    assert response["Location"] == "/login/?next=/p/default/runs/%3Fstatus%3Dfailed"


@pytest.mark.parametrize("slug", ["default", "nowhere"])
def test_non_member_gets_404(project: Project, slug: str) -> None:
    non_member = factories.make_user(factories.make_project("other"))
    with pytest.raises(Http404):
        page(request_of(non_member), project=slug)


def test_superuser_without_membership_gets_404(project: Project) -> None:
    user = factories.make_user()
    user.is_superuser = user.is_staff = True
    user.save()
    with pytest.raises(Http404):
        page(request_of(user), project="default")


def test_view_keeps_its_name(project: Project) -> None:
    assert (page.__name__, page.__doc__) == ("page", "A page.")


@pytest.mark.parametrize(
    ("decorator", "role", "is_allowed"),
    [
        (member_required, "viewer", False),
        (member_required, "member", True),
        (member_required, "admin", True),
        (admin_required, "viewer", False),
        (admin_required, "member", False),
        (admin_required, "admin", True),
    ],
)
def test_roles_restrict_views(project: Project, decorator: Any, role: str, is_allowed: bool) -> None:
    view = decorator(lambda *_: HttpResponse("in"))
    request = request_of(factories.make_user(project, role))
    if is_allowed:
        assert view(request, project="default").content == b"in"
    else:
        with pytest.raises(PermissionDenied):
            view(request, project="default")


def test_role_in_another_project_gets_404(project: Project) -> None:
    user = factories.make_user(factories.make_project("other"), "admin")
    with pytest.raises(Http404):
        member_required(lambda *_: HttpResponse())(request_of(user), project="default")


def test_form_of_another_project_is_refused(project: Project) -> None:
    user = factories.make_user(project, "admin")
    for slug, is_accepted in (("default", True), ("other", False)):
        request = RequestFactory().post("/p/default/tags/", {PROJECT_FIELD: slug})
        request.user = user
        with nullcontext() if is_accepted else pytest.raises(BadRequest):
            page(request, project="default")
