"""Decorators that check the role of the user in the project of a view.

Each of them requires a login and replaces the slug `project` of the URL by the project. To users who are not members,
a project does not exist: they get a 404.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, resolve_url

from dashboard.web import htmx, last_project
from dashboard.web.timezone import activate_project_timezone
from runs.models import Membership, Project, User

P = ParamSpec("P")
# Every form of a project's pages carries the slug of the project that it was rendered for.
PROJECT_FIELD = "form_project"
# The project of the first start.
FIRST_PROJECT = "default"
# Roles that may add to runs: tags, comments, states, display names.
WRITE_ROLES = (Membership.Role.MEMBER, Membership.Role.ADMIN)


def sign_in_required(view: Callable[P, HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Require that a user is signed in who has chosen the password; with a one-time password, redirect to its change.

    The first argument of the view is the request.
    """

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if cast(User, request.user).has_one_time_password:
            return _redirect_to_change_password(request)
        return view(request, *args, **kwargs)  # type: ignore[arg-type]

    return login_required(wrapper)


def _redirect_to_change_password(request: HttpRequest) -> HttpResponseBase:
    url = resolve_url("account_change_password")
    if htmx.is_partial_request(request):
        if htmx.get_current_page_path(request).partition("?")[0] == url:
            return HttpResponse(status=204)  # a reload would discard what was typed
        return htmx.redirect_browser(url)
    next_path = request.get_full_path() if request.method in ("GET", "HEAD") else resolve_url("home")
    return redirect(f"{url}?{urlencode({'next': next_path})}")


def instance_admin_required(view: Callable[P, HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Require an administrator of the instance. Other users get a 403."""

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = cast(User, request.user)
        if not is_instance_admin(user, Project.objects.visible_to(user)):
            raise PermissionDenied
        return view(request, *args, **kwargs)  # type: ignore[arg-type]

    return sign_in_required(wrapper)


def is_instance_admin(user: User, projects: Iterable[Project]) -> bool:
    """Return whether `user` may see numbers of the whole instance: a superuser, or an admin of the first project.

    `projects` are those of the user, with the user's roles.
    """
    return user.is_superuser or any(
        project.slug == FIRST_PROJECT and project.role == Membership.Role.ADMIN for project in projects
    )


def viewer_required(
    view: Callable[Concatenate[HttpRequest, Project, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Require that the user is a member of the project, with any role, and that a form was made for this project."""

    @wraps(view)
    def wrapper(request: HttpRequest, project: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        visible_project = get_object_or_404(Project.objects.visible_to(request.user), slug=project)
        activate_project_timezone(request, visible_project)
        if request.POST.get(PROJECT_FIELD, project) != project:
            raise BadRequest("The form was made for another project")
        response = view(request, visible_project, *args, **kwargs)
        last_project.remember_project(request, response, visible_project)
        return response

    return sign_in_required(wrapper)


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
