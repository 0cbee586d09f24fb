"""People who sign in."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone


class User(AbstractUser):
    """A person who signs in. Their permissions are set per project, by `Membership`."""

    password_expires_at = models.DateTimeField(
        null=True, blank=True, help_text="Set for a one-time password, which must be changed at the first sign-in"
    )
    preferences = models.JSONField(blank=True, default=dict, help_text="Display preferences, such as columns")

    @property
    def has_one_time_password(self) -> bool:
        """Return whether the user must change the password before anything else."""
        return self.password_expires_at is not None

    @property
    def is_password_expired(self) -> bool:
        """Return whether the password can't be used any more."""
        return self.password_expires_at is not None and self.password_expires_at < timezone.now()
