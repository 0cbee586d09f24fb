"""The URLs of the page shell with an empty page, so that its tests depend on no other page."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

from dashboard.pages.account import views
from dashboard.web import error_views, htmx
from dashboard.web.navigation import NAVIGATION_ENTRIES


def page(request: HttpRequest, **_: str) -> HttpResponse:
    return htmx.render_page(request, "base.html", {})


def denied(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def missing(request: HttpRequest, **_: str) -> HttpResponse:
    raise Http404


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken on purpose")


urlpatterns = [
    path("", page, name="home"),
    path("login/", views.sign_in, name="account_login"),
    path("logout/", views.sign_out, name="account_logout"),
    path("account/password/", views.change_password, name="account_change_password"),
    path("projects/new/", page, name="project-create"),
    path("p/<slug:project>/runs/<path:run>/", page, name="run"),
    path("p/<slug:project>/receiving/", page, name="receiving-status"),
    path("p/<slug:project>/palette/", page, name="palette"),
    *(path(f"p/<slug:project>/{entry.url_name}/", page, name=entry.url_name) for entry in NAVIGATION_ENTRIES),
    path("p/<slug:project>/threads/<path:thread>/", missing, name="thread"),
    path("denied", denied),
    path("broken", broken),
]
handler400 = error_views.bad_request_view
handler403 = error_views.forbidden_view
handler404 = error_views.not_found_view
handler500 = error_views.server_error_view
