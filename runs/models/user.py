"""People who sign in."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person who signs in. Their permissions are set per project, by `Membership`."""

    preferences = models.JSONField(blank=True, default=dict, help_text="Display preferences, such as columns")
