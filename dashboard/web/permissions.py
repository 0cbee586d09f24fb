"""Who may open a page: members of its project. To everybody else the project does not exist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404

from dashboard.web import last_project
from runs.models import Membership, Project

P = ParamSpec("P")
# Whoever may add to what was posted: tags, comments, states, names.
WRITE_ROLES = (Membership.Role.MEMBER, Membership.Role.ADMIN)


def viewer_required(
    view: Callable[Concatenate[HttpRequest, Project, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Ask for a login, then turn the slug `project` of the address into the user's project, or 404."""

    @wraps(view)
    def guarded(request: HttpRequest, project: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        found = get_object_or_404(Project.objects.visible_to(request.user), slug=project)
        response = view(request, found, *args, **kwargs)
        last_project.remember_project(request, response, found)
        return response

    return login_required(guarded)


def member_required(
    view: Callable[Concatenate[HttpRequest, Project, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """The same for what members of the project may do, administrators too; 403 to those who only read."""
    return _role_required(view, WRITE_ROLES)


def admin_required(
    view: Callable[Concatenate[HttpRequest, Project, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """The same for what only administrators of the project may do; 403 to its other members."""
    return _role_required(view, (Membership.Role.ADMIN,))


def _role_required(
    view: Callable[Concatenate[HttpRequest, Project, P], HttpResponseBase],
    roles: Sequence[str],
) -> Callable[..., HttpResponseBase]:
    @wraps(view)
    def guarded(request: HttpRequest, project: Project, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if project.role not in roles:
            raise PermissionDenied
        return view(request, project, *args, **kwargs)

    return viewer_required(guarded)
