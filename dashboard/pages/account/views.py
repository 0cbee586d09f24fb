"""Views to sign in and out, to change the password, and the start page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.contrib.messages.views import SuccessMessageMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse_lazy
from django.utils.cache import patch_cache_control
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.web import htmx, last_project
from runs.models import Project

SIGN_IN_TEMPLATE = "pages/account/sign_in.html"


@require_safe
@never_cache
@login_required
def home(request: HttpRequest) -> HttpResponseBase:
    """Redirect to the runs of the project that was last visited, or else of the user's first project."""
    projects = {project.slug: project for project in Project.objects.visible_to(request.user)}
    if not projects:
        return render(request, "pages/account/no_project.html")
    last_slug = last_project.get_last_project_slug(request)
    return redirect("runs", project=last_slug if last_slug in projects else next(iter(projects)))


class SignInForm(AuthenticationForm):
    """User name and password."""

    error_messages = {
        "invalid_login": "Wrong user name or password.",
        "inactive": "This account is disabled. Ask an administrator of this server.",
    }

    def attempts_left(self) -> int | None:
        """Return how many wrong passwords are left for this user name and address; None before the first one."""
        if self.request is None or not self.non_field_errors():
            return None
        credentials = {"username": self.data.get("username", "")}
        failures: int = AxesProxyHandler.get_failures(self.request, credentials)
        return max(0, settings.AXES_FAILURE_LIMIT - failures)


class SignInView(LoginView):
    """The sign-in page. Redirects stay on this site, and django-axes limits the number of attempts."""

    authentication_form = SignInForm
    template_name = SIGN_IN_TEMPLATE
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Handle the request. If a fragment was redirected here because the session ended, redirect the browser."""
        if htmx.is_partial_request(request):
            return htmx.redirect_browser(sign_in_url(next_path=htmx.get_current_page_path(request)))
        response = super().dispatch(request, *args, **kwargs)
        patch_cache_control(response, no_store=True)
        return response


class ChangePasswordView(SuccessMessageMixin, PasswordChangeView):  # type: ignore[type-arg]  # not generic at run time
    """The form to change one's own password. A change signs out the user's other browsers."""

    template_name = "pages/account/change_password.html"
    success_url = reverse_lazy("home")
    success_message = "Password changed. Your other browsers are signed out."

    def form_invalid(self, form: Any) -> HttpResponse:
        """Render the form with its errors, with status 422."""
        return self.render_to_response(self.get_context_data(form=form), status=422)


def sign_in_url(*, next_path: str) -> str:
    """Return the URL of the sign-in page, which redirects to `next_path` afterwards."""
    url = resolve_url(settings.LOGIN_URL)
    return f"{url}?{urlencode({'next': next_path})}" if next_path else url


def sign_in_locked_out(
    request: HttpRequest, _response: HttpResponse | None, credentials: dict[str, Any] | None
) -> HttpResponse:
    """Render the sign-in page after too many attempts, with status 429, for django-axes."""
    view = SignInView()
    view.setup(request)
    cool_off: timedelta = settings.AXES_COOLOFF_TIME
    context = view.get_context_data(
        form=SignInForm(request),
        locked_minutes=int(cool_off.total_seconds() // 60),
        username=(credentials or {}).get("username", ""),
    )
    response = htmx.render_page(request, SIGN_IN_TEMPLATE, context, status=429)
    response["Retry-After"] = str(int(cool_off.total_seconds()))
    patch_cache_control(response, no_store=True)
    return response


sign_in = SignInView.as_view()
change_password = ChangePasswordView.as_view()
sign_out = LogoutView.as_view(http_method_names=["post", "options"])
