"""Validations that exceeded their limits."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class StoppedValidation(models.Model):
    """A schema and arguments whose validation was stopped, so that it is never tried again.

    Only digests are kept. They belong to no project, since the validation depends on nothing but its content.
    """

    digest = models.UUIDField(primary_key=True, editable=False, help_text="Hash of schema and arguments")
    schema_digest = models.UUIDField(db_index=True, help_text="Hash of the schema")
    reason = models.TextField()
    stopped_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "stopped_validation"

    def __str__(self) -> str:
        return f"{self.digest}: {self.reason}"
