"""The sources of runs: the protocols in which their objects are posted."""

from __future__ import annotations

from django.db import models


class RunSource(models.IntegerChoices):
    """The protocol that a run was posted in. Runs of all but the first are derived from other objects."""

    ASSISTANTS = 0, "assistants"
    RESPONSES = 1, "responses"
    OTEL = 2, "otel"
