"""The form to sign in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from dashboard.pages.account.device_cookie import read_device_id
from runs.team.failure_reports import report_sign_in_failure
from runs.team.password_rules import MAX_PASSWORD_LENGTH
from runs.team.sign_in_limits import SignInAttempt, reserve_attempt

MAX_USER_NAME_LENGTH = 150


class SignInForm(AuthenticationForm):
    """User name and password. Checking them raises TooManySignInAttempts if the attempt is not allowed now."""

    error_messages = {
        "invalid_login": "Incorrect user name or password.",
        "inactive": "Incorrect user name or password.",
    }
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
        if not settings.PASSWORD_LOGIN and not (user.is_superuser and user.has_one_time_password):
            report_sign_in_failure(name, address, "used a password, and passwords are switched off")
            raise self.get_invalid_login_error()
        if user.is_password_expired:
            report_sign_in_failure(name, address, "used a one-time password that has expired")
            self.attempt = None
            raise self.get_expired_password_error(name)
        self.user_cache = user
        return self.cleaned_data

    def get_expired_password_error(self, user_name: str) -> ValidationError:
        """Return the error for the right password after its time."""
        return ValidationError(
            "This one-time password has expired. An administrator of this server can issue a new one: "
            f"{settings.COMMAND_NAME} reset_password {user_name}"
        )


def _can_be_user_name(name: str) -> bool:
    return 0 < len(name) <= MAX_USER_NAME_LENGTH and name.isprintable()
