"""Signing in and out, and the password for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.contrib.messages.views import SuccessMessageMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import reverse_lazy
from django.utils.cache import patch_cache_control

from dashboard.web import htmx

TEMPLATE = "login/page.html"


class SignInForm(AuthenticationForm):
    error_messages = {
        "invalid_login": "User name or password is not right.",
        "inactive": "This account is switched off. Ask an administrator of this server.",
    }

    def attempts_left(self) -> int | None:
        """How many more wrong passwords this user name has from this address; None before the first one."""
        if self.request is None or not self.non_field_errors():
            return None
        credentials = {"username": self.data.get("username", "")}
        failures: int = AxesProxyHandler.get_failures(self.request, credentials)
        return max(0, settings.AXES_FAILURE_LIMIT - failures)


class SignInView(LoginView):
    """The form, safe about where it leads afterwards, kept from guessers by django-axes."""

    authentication_form = SignInForm
    template_name = TEMPLATE
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # A session that ended makes fragments follow a redirect to here: the form must not land in a table.
        if htmx.is_partial_request(request):
            return htmx.redirect_browser(sign_in_url(back_to=htmx.get_current_page_path(request)))
        response = super().dispatch(request, *args, **kwargs)
        patch_cache_control(response, no_store=True)
        return response


class ChangePasswordView(SuccessMessageMixin, PasswordChangeView):  # type: ignore[type-arg]  # not generic at run time
    """The form; other browsers of the user are signed out by it."""

    template_name = "account/password.html"
    success_url = reverse_lazy("home")
    success_message = "Your password is changed. Other browsers are signed out."

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


def sign_in_url(*, back_to: str) -> str:
    """The address of the form, returning to the path `back_to` after success."""
    url = resolve_url(settings.LOGIN_URL)
    return f"{url}?{urlencode({'next': back_to})}" if back_to else url


def sign_in_locked_out(
    request: HttpRequest, _response: HttpResponse | None, credentials: dict[str, Any] | None
) -> HttpResponse:
    """What django-axes answers after too many attempts: the form, saying so, with status 429."""
    view = SignInView()
    view.setup(request)
    cool_off: timedelta = settings.AXES_COOLOFF_TIME
    context = view.get_context_data(
        form=SignInForm(request),
        locked_minutes=int(cool_off.total_seconds() // 60),
        username=(credentials or {}).get("username", ""),
    )
    page = htmx.render_page(request, TEMPLATE, context, status=429)
    page["Retry-After"] = str(int(cool_off.total_seconds()))
    patch_cache_control(page, no_store=True)
    return page


sign_in = SignInView.as_view()
change_password = ChangePasswordView.as_view()
sign_out = LogoutView.as_view(http_method_names=["post", "options"])
