"""Who may sign in with the OpenID provider, and what they get."""

from __future__ import annotations

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.base.constants import AuthError
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest
from django.shortcuts import render

from dashboard.web.oidc_client import get_oidc_client
from runs.models import AuditEvent, User
from runs.team.claim_memberships import apply_claimed_roles
from runs.team.claim_rules import find_claimed_roles
from runs.team.failure_reports import report_sign_in_failure

_REFUSAL_TEMPLATE = "pages/account/oidc_refused.html"


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """People are let in whom a rule gives a role, or whose account an administrator has linked."""

    def get_provider(self, request: HttpRequest, provider: str, client_id: Any = None) -> Any:  # noqa: ARG002
        """Return the provider of the settings. Providers in the database would be a second place to look."""
        from dashboard.pages.account.oidc.provider import build_provider

        return build_provider(request, get_oidc_client())

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:  # noqa: ARG002
        """Return True: `pre_social_login` has refused others."""
        return True

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: Any) -> bool:  # noqa: ARG002
        """Return True: there is no form to fill in."""
        return True

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Let the roles of a known user follow the claims, and refuse those who may not sign in."""
        roles = find_claimed_roles(settings.OIDC_ROLE_RULES, sociallogin.claims)
        if sociallogin.is_existing:
            apply_claimed_roles(sociallogin.user, roles, _get_address(request))
        is_allowed = any(roles.values()) if roles else sociallogin.is_existing
        if not is_allowed or not sociallogin.user.is_active:
            reason = "no rule gives a role" if sociallogin.user.is_active else "the account is deactivated"
            self._refuse(request, f"{reason}, subject {sociallogin.account.uid}", "has_no_role")

    @transaction.atomic
    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        """Create a user with the claimed roles. The audit log names the subject, by which accounts can be linked.

        First sign-ins wait for each other: of two of one person, the second gets the user of the first, and two people
        with one name get different ones.
        """
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('first sign-in'))")
        sociallogin.lookup()
        if sociallogin.is_existing:
            known_user: User = sociallogin.user
            return known_user
        user: User = super().save_user(request, sociallogin, form)
        account, address = sociallogin.account, _get_address(request)
        action = f"signed in for the first time with {account.provider} as subject {account.uid}"
        AuditEvent.objects.record(None, user, action, category=AuditEvent.Category.SIGN_IN, address=address)
        apply_claimed_roles(user, find_claimed_roles(settings.OIDC_ROLE_RULES, sociallogin.claims), address)
        return user

    def on_authentication_error(self, request: HttpRequest, provider: Any, **details: Any) -> None:  # noqa: ARG002
        """Show a page that says nothing about the reason, which the audit log has."""
        is_cancelled = details.get("error") == AuthError.CANCELLED
        reason = "cancelled" if is_cancelled else str(details.get("exception") or "unknown, used or expired state")
        self._refuse(request, reason, "is_cancelled" if is_cancelled else "has_failed")

    def _refuse(self, request: HttpRequest, reason: str, problem: str) -> None:
        name = get_oidc_client().name
        report_sign_in_failure("somebody", _get_address(request), f"failed to sign in with {name}: {reason}")
        context = {"provider_name": name, "problem": problem}
        raise ImmediateHttpResponse(render(request, _REFUSAL_TEMPLATE, context, status=403))


def _get_address(request: HttpRequest) -> str:
    return request.META.get("REMOTE_ADDR") or ""
