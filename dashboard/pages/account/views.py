"""Views to sign in and out, to change the password, and the start page."""

from __future__ import annotations

import math
import re
from typing import Any, cast
from urllib.parse import urlencode

from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView, RedirectURLMixin
from django.contrib.messages.views import SuccessMessageMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.http import require_safe

from dashboard.pages.account.password_forms import ChangePasswordForm, FirstPasswordForm
from dashboard.pages.account.sign_in_form import MAX_USER_NAME_LENGTH, SignInForm
from dashboard.web import htmx, last_project
from dashboard.web.audit import record_event
from dashboard.web.permissions import sign_in_required
from runs.errors import TooManySignInAttempts
from runs.models import AuditEvent, Project, User
from runs.team.failure_reports import report_sign_in_failure

SIGN_IN_TEMPLATE = "pages/account/sign_in.html"


@require_safe
@sign_in_required
def home(request: HttpRequest) -> HttpResponseBase:
    """Redirect to the runs of the project that was last visited, or else of the user's first project."""
    projects = {project.slug: project for project in Project.objects.visible_to(request.user)}
    if not projects:
        return render(request, "pages/account/no_project.html")
    last_slug = last_project.get_last_project_slug(request)
    return redirect("runs", project=last_slug if last_slug in projects else next(iter(projects)))


class SignInView(LoginView):
    """The sign-in page. Redirects stay on this site, and the number of attempts is limited."""

    http_method_names = ["get", "head", "post", "options"]  # the base class takes PUT for POST
    authentication_form = SignInForm
    template_name = SIGN_IN_TEMPLATE
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Handle the request. If a fragment was redirected here because the session ended, redirect the browser."""
        if htmx.is_partial_request(request):
            return htmx.redirect_browser(sign_in_url(next_path=htmx.get_current_page_path(request)))
        try:
            return super().dispatch(request, *args, **kwargs)
        except TooManySignInAttempts as error:
            return self._render_refusal(error)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        """Add the ways to sign in."""
        provider_url = resolve_url("oidc-start") if settings.OIDC_CLIENT else ""
        if provider_url and (next_path := self.get_redirect_url()):
            provider_url += f"?{urlencode({'next': next_path})}"
        ways = {"oidc_client": settings.OIDC_CLIENT, "provider_url": provider_url, "passwords": settings.PASSWORD_LOGIN}
        return {**super().get_context_data(**context), **ways}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Go through the steps of signing in, which end in `AccountAdapter.post_login`."""
        response: HttpResponse = perform_login(self.request, form.get_user(), redirect_url=self.get_success_url())
        return response

    def _render_refusal(self, error: TooManySignInAttempts) -> HttpResponse:
        """Render the page with status 429: how long to wait, and the command that ends the wait."""
        user_name = self.request.POST.get("username", "")
        address = self.request.META.get("REMOTE_ADDR") or ""
        report_sign_in_failure(user_name, address, f"was refused an attempt to sign in: too many {error.scope}")
        seconds = math.ceil(error.wait.total_seconds())
        is_plain = re.fullmatch(r"[\w.@+-]{1,150}", user_name)  # needs no quotes in a shell
        context = self.get_context_data(
            form=SignInForm(self.request),
            refusal={"scope": error.scope, "seconds": seconds, "command_argument": user_name if is_plain else "NAME"},
            username=user_name[:MAX_USER_NAME_LENGTH],
        )
        response = htmx.render_page(self.request, SIGN_IN_TEMPLATE, context, status=429)
        response["Retry-After"] = str(seconds)
        return response


class SignOutView(LogoutView):
    """Ends the session and redirects to the sign-in page."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """End the session."""
        if request.user.is_authenticated:
            record_event(request, None, "signed out", AuditEvent.Category.SIGN_IN)
        return super().post(request, *args, **kwargs)


class ChangePasswordView(RedirectURLMixin, SuccessMessageMixin, PasswordChangeView):  # type: ignore[type-arg]
    """The form to change one's own password. A change ends the user's other sessions.

    A user who has just signed in with a one-time password does not enter it again, and goes on to the page that was
    asked for.
    """

    http_method_names = ["get", "head", "post", "options"]  # the base class takes PUT for POST
    template_name = "pages/account/change_password.html"
    next_page = "home"
    success_message = "Password changed. Your other browsers are signed out."

    def get_form_class(self) -> Any:
        """Return the form for the kind of password that the user has."""
        user = cast(User, self.request.user)
        return FirstPasswordForm if user.has_one_time_password else ChangePasswordForm

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        """Add the title of the page."""
        title = "Choose a password" if cast(User, self.request.user).has_one_time_password else "Change password"
        return {**super().get_context_data(**context), "title": title}

    def form_valid(self, form: Any) -> HttpResponse:
        """Change the password."""
        response = super().form_valid(form)
        record_event(self.request, None, "changed the password", AuditEvent.Category.SIGN_IN)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        """Render the form with its errors, with status 422."""
        return self.render_to_response(self.get_context_data(form=form), status=422)


def sign_in_url(*, next_path: str) -> str:
    """Return the URL of the sign-in page, which redirects to `next_path` afterwards."""
    url = resolve_url(settings.LOGIN_URL)
    return f"{url}?{urlencode({'next': next_path})}" if next_path else url


sign_in = SignInView.as_view()
change_password = ChangePasswordView.as_view()
sign_out = SignOutView.as_view()
