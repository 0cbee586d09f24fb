"""Which project the user looked at last, so that the front door leads back to it.

It is a cookie rather than a record: reading a page writes nothing. It grants nothing either; whoever follows
it still has to be a member.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from runs.models import Project

LAST_PROJECT_COOKIE = "project"
_YEAR_SECONDS = 365 * 24 * 3600


def remember_project(request: HttpRequest, response: HttpResponseBase, project: Project) -> None:
    """Note on `response` that `project` was visited, where the browser doesn't know yet."""
    if get_last_project_slug(request) == project.slug:
        return
    response.set_cookie(
        LAST_PROJECT_COOKIE,
        project.slug,
        max_age=_YEAR_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def get_last_project_slug(request: HttpRequest) -> str | None:
    """The slug of the project that was visited last, as the browser says."""
    return request.COOKIES.get(LAST_PROJECT_COOKIE)
