"""The forms to change one's own password."""

from __future__ import annotations

import math
from typing import Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm

from runs.errors import TooManySignInAttempts
from runs.team.sign_in_limits import reserve_attempt

_LABELS = {
    "old_password": "Current password",
    "new_password1": "New password",
    "new_password2": "Confirm new password",
}


class FirstPasswordForm(SetPasswordForm):  # type: ignore[type-arg]  # not generic at run time
    """A new password, after signing in with a one-time password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Set the labels of the page, which its errors repeat."""
        super().__init__(*args, **kwargs)
        for name, label in _LABELS.items():
            if name in self.fields:
                self.fields[name].label = label

    def clean_new_password1(self) -> str:
        """Reject the current password."""
        password: str = self.cleaned_data["new_password1"]
        if not self.errors and self.user.check_password(password):
            raise forms.ValidationError("This is the current password. Choose another one.")
        return password

    def save(self, commit: bool = True) -> Any:
        """Store the password, for as long as the user wants to use it."""
        self.user.password_expires_at = None
        return super().save(commit)


class ChangePasswordForm(FirstPasswordForm, PasswordChangeForm):
    """The current password and a new one."""

    def clean_old_password(self) -> str:
        """Check the current password, within the limit of sign-ins: a session must not serve to guess it."""
        try:
            attempt = reserve_attempt(self.user.username, "", f"account {self.user.pk}")
        except TooManySignInAttempts as error:
            seconds = math.ceil(error.wait.total_seconds())
            raise forms.ValidationError(f"Too many wrong passwords. Try again in {seconds} seconds.") from error
        try:
            password: str = super().clean_old_password()
        except forms.ValidationError:
            attempt.fail()
            raise
        attempt.succeed()
        return password
