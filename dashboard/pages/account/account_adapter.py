"""How django-allauth signs people in on this site. It runs the steps; pages, limits and messages are ours."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from dashboard.pages.account.device_cookie import remember_device
from dashboard.web.audit import record_event
from runs.models import AuditEvent, User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nobody signs up. Redirects stay on this site, and every sign-in is recorded, whatever the method."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - the signature is allauth's
        """Return False: administrators add people."""
        return False

    def is_safe_url(self, url: str) -> bool:
        """Return whether `url` is on the host of this request. Other hosts that Django allows don't count."""
        return url_has_allowed_host_and_scheme(url, {self.request.get_host()}, require_https=self.request.is_secure())

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address that the gateway has found behind the trusted proxies."""
        return request.META.get("REMOTE_ADDR") or ""

    def add_message(self, *_: Any, **__: Any) -> None:
        """Show none of allauth's own messages."""

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:  # noqa: ARG002
        """Send a deactivated user back to the sign-in page, which does not tell that the account exists."""
        return redirect("account_login")

    def login(self, request: HttpRequest, user: User) -> None:
        """Start the session, which lives longer than the one in which the steps were kept."""
        request.session.set_expiry(None)
        super().login(request, user)

    def post_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse:
        """Record the sign-in, and let the browser remember it."""
        response: HttpResponse = super().post_login(request, user, **options)
        record_event(request, None, "signed in", AuditEvent.Category.SIGN_IN)
        remember_device(request, response, user.get_username())
        request.session.clear_expired()  # the rows of ended sessions would stay for ever
        return response
