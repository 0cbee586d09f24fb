"""The shell's own addresses, with a page that says nothing, so that its tests need no other page."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path

from dashboard import htmx
from dashboard.context import PAGES
from dashboard.views import account, errors


def page(request: HttpRequest, **_: str) -> HttpResponse:
    return htmx.render_page(request, "base.html", {})


def denied(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken on purpose")


urlpatterns = [
    path("", page, name="home"),
    path("login/", account.login, name="login"),
    path("logout/", account.logout, name="logout"),
    path("account/password/", account.password, name="password"),
    path("projects/new/", page, name="new-project"),
    path("p/<slug:project>/runs/<path:run>/", page, name="run"),
    path("p/<slug:project>/receiving/", page, name="receiving"),
    *(path(f"p/<slug:project>/{each.name}/", page, name=each.name) for each in PAGES),
    path("denied", denied),
    path("broken", broken),
]
handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
