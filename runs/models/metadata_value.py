"""Metadata values of runs, and the hour of the newest run with each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from django.db import models

from runs.models.project import Project


class MetadataValueQuerySet(models.QuerySet["MetadataValue"]):
    """Queries on metadata values."""

    def of_key(self, project: Project, key: str) -> Self:
        """Return the values of one key."""
        return self.filter(project=project, key=key)

    def fetch_last_hours(
        self, values: Iterable[str], patterns: Iterable[str], limit: int
    ) -> dict[str, datetime] | None:
        """Return the last hour of each value that is one of `values` or matches one of the LIKE `patterns`.

        Return None if more than `limit` values match.
        """
        matches_any = models.Q(value__in=list(values))
        for pattern in patterns:
            matches_any |= models.Q(value__like=pattern)
        rows = self.filter(matches_any).order_by("value").values_list("value", "last_hour")[: limit + 1]
        last_hours = dict(rows)
        return last_hours if len(last_hours) <= limit else None


class MetadataValue(models.Model):
    """A value of a metadata key, as text, and the hour in which the newest run with it was created."""

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
