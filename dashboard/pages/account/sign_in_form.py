"""The form to sign in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm

from dashboard.pages.account.device_cookie import read_device_id
from runs.team.failure_reports import report_sign_in_failure
from runs.team.sign_in_limits import SignInAttempt, reserve_attempt

MAX_USER_NAME_LENGTH = 150
MAX_PASSWORD_LENGTH = 1024  # characters that are hashed


class SignInForm(AuthenticationForm):
    """User name and password. Checking them raises TooManySignInAttempts if the attempt is not allowed now."""

    error_messages = {"invalid_login": "Wrong user name or password.", "inactive": "Wrong user name or password."}
    attempt: SignInAttempt | None = None

    def clean(self) -> dict[str, Any]:
        """Check the password, within the limits. A name that no user can have is as wrong as an unknown one."""
        if self.has_error("username", "required") or self.has_error("password", "required"):
            return self.cleaned_data
        name, password = self.cleaned_data.get("username", ""), self.cleaned_data.get("password", "")
        address = self.request.META.get("REMOTE_ADDR") or "" if self.request else ""
        user = None
        if _can_be_user_name(name) and 0 < len(password) <= MAX_PASSWORD_LENGTH:
            self.attempt = reserve_attempt(name, address, read_device_id(self.request, name) if self.request else None)
            user = authenticate(self.request, username=name, password=password)
        if user is None:
            report_sign_in_failure(self.data.get("username", ""), address)
            if self.attempt is not None:
                self.attempt.fail()
            raise self.get_invalid_login_error()
        if self.attempt is not None:
            self.attempt.succeed()
        self.user_cache = user
        return self.cleaned_data


def _can_be_user_name(name: str) -> bool:
    return 0 < len(name) <= MAX_USER_NAME_LENGTH and name.isprintable()
