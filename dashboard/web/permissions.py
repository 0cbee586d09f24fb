"""Decorators that check the role of the user in the project of a view.

Each of them requires a login and replaces the slug `project` of the URL by the project. To users who are not members,
a project does not exist: they get a 404.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404

from dashboard.web import last_project
from runs.models import Membership, Project

P = ParamSpec("P")
# Every form of a project's pages carries the slug of the project that it was rendered for.
PROJECT_FIELD = "form_project"
# Roles that may add to runs: tags, comments, states, display names.
WRITE_ROLES = (Membership.Role.MEMBER, Membership.Role.ADMIN)


def viewer_required(
    view: Callable[Concatenate[HttpRequest, Project, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Require that the user is a member of the project, with any role, and that a form was made for this project."""

    @wraps(view)
    def wrapper(request: HttpRequest, project: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        visible_project = get_object_or_404(Project.objects.visible_to(request.user), slug=project)
        if request.POST.get(PROJECT_FIELD, project) != project:
            raise BadRequest("The form was made for another project")
        response = view(request, visible_project, *args, **kwargs)
        last_project.remember_project(request, response, visible_project)
        return response

    return login_required(wrapper)


def member_required(
    view: Callable[Concatenate[HttpRequest, Project, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Require the role member or admin. Viewers get a 403."""
    return _role_required(view, WRITE_ROLES)


def admin_required(
    view: Callable[Concatenate[HttpRequest, Project, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Require the role admin. Other members get a 403."""
    return _role_required(view, (Membership.Role.ADMIN,))


def _role_required(
    view: Callable[Concatenate[HttpRequest, Project, P], HttpResponseBase],
    roles: Sequence[str],
) -> Callable[..., HttpResponseBase]:
    @wraps(view)
    def wrapper(request: HttpRequest, project: Project, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if project.role not in roles:
            raise PermissionDenied
        return view(request, project, *args, **kwargs)

    return viewer_required(wrapper)
