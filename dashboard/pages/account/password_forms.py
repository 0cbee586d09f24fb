"""The forms to change one's own password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm


class FirstPasswordForm(SetPasswordForm):  # type: ignore[type-arg]  # not generic at run time
    """A new password, after signing in with a one-time password."""

    def clean_new_password1(self) -> str:
        """Reject the present password."""
        password: str = self.cleaned_data["new_password1"]
        if self.user.check_password(password):
            raise forms.ValidationError("This is the present password. Choose another one.")
        return password

    def save(self, commit: bool = True) -> Any:
        """Store the password, for as long as the user wants to use it."""
        self.user.password_expires_at = None
        return super().save(commit)


class ChangePasswordForm(FirstPasswordForm, PasswordChangeForm):
    """The present password and a new one."""
