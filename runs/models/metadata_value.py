"""Which values the metadata of runs have. Kept ahead of the runs, so that a question knows where not to look."""

from __future__ import annotations

from django.db import models

from runs.models.account import Project
from runs.querysets.metadata_value import MetadataKeyQuerySet, MetadataValueQuerySet


class MetadataKey(models.Model):
    """A key that the metadata of some run has, or had. Of a project with very many keys, only the first ones are kept.

    `is_complete` says that all of its values are kept, too: that there are not very many, none of them long, and texts,
    truth values and whole numbers alone.
    """

    pk = models.CompositePrimaryKey("project", "key")
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, db_constraint=False, related_name="+", db_index=False
    )
    key = models.TextField()
    is_complete = models.BooleanField(default=True)

    objects = MetadataKeyQuerySet.as_manager()

    class Meta:
        db_table = "metadata_key"

    def __str__(self) -> str:
        return self.key


class MetadataValue(models.Model):
    """A value of a key, as text, and the last hour in which a run with it was created: none is newer."""

    pk = models.CompositePrimaryKey("project", "key", "value")
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, db_constraint=False, related_name="+", db_index=False
    )
    key = models.TextField()
    value = models.TextField()
    last_hour = models.DateTimeField()

    objects = MetadataValueQuerySet.as_manager()

    class Meta:
        db_table = "metadata_value"

    def __str__(self) -> str:
        return f"{self.key} {self.value}"
