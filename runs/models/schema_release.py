"""The versions of Runglass that have migrated the database."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class SchemaRelease(models.Model):
    """A version that has applied migrations. An older version reads from it which one the database needs.

    Table and columns never change, since older versions read them (`runs.db.migration_state`).
    """

    version = models.TextField()
    migrated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "schema_release"

    def __str__(self) -> str:
        return self.version
