"""The project that the user visited last, to which the home page redirects.

It is a cookie, so that viewing a page writes nothing to the database. It grants no access: the user must still be a
member of the project.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from runs.models import Project

_YEAR_SECONDS = 365 * 24 * 3600


def remember_project(request: HttpRequest, response: HttpResponseBase, project: Project) -> None:
    """Set the cookie on `response`, unless the browser has sent the same value."""
    if get_last_project_slug(request) == project.slug:
        return
    response.set_cookie(
        settings.LAST_PROJECT_COOKIE_NAME,
        project.slug,
        max_age=_YEAR_SECONDS,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def get_last_project_slug(request: HttpRequest) -> str | None:
    """Return the slug of the project that was visited last, according to the browser."""
    return request.COOKIES.get(settings.LAST_PROJECT_COOKIE_NAME)
