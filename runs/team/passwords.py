"""One-time passwords: they are printed or shown once, must be changed at the first sign-in, and expire."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.utils import timezone

from runs.models import User

ONE_TIME_PASSWORD_LIFETIME = timedelta(days=7)


def set_one_time_password(user: User) -> str:
    """Set a random password of `user` and return it. The caller saves the user. All sessions of the user end."""
    password = secrets.token_urlsafe(15)
    user.set_password(password)
    user.password_expires_at = timezone.now() + ONE_TIME_PASSWORD_LIFETIME
    return password
