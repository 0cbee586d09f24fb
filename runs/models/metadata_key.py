"""Metadata keys of runs. Together with `MetadataValue`, they let the query planner narrow its search."""

from __future__ import annotations

from typing import Self

from django.db import models

from runs.models.project import Project

MAX_METADATA_KEYS = 200  # stored for one project
MAX_METADATA_TEXT_LENGTH = 200  # of a stored key, and of a stored value


class MetadataKeyQuerySet(models.QuerySet["MetadataKey"]):
    """Queries on metadata keys."""

    def in_project(self, project: Project) -> Self:
        """Return the keys of `project`."""
        return self.filter(project=project)

    def keys_of(self, project: Project) -> list[str]:
        """Return the metadata keys of a project in alphabetical order."""
        return list(self.in_project(project).order_by("key").values_list("key", flat=True))

    def has_all_values(self, key: str) -> bool:
        """Return whether all values of `key` are stored. Call it on the keys of one project.

        True for a key that no run has, unless it is too long or the project has too many keys to be stored.
        """
        if len(key) > MAX_METADATA_TEXT_LENGTH:
            return False
        is_complete = self.filter(key=key).values_list("is_complete", flat=True).first()
        return self.count() < MAX_METADATA_KEYS if is_complete is None else is_complete


class MetadataKey(models.Model):
    """A key of the metadata of at least one run, past or present.

    Only the first `MAX_METADATA_KEYS` of a project are stored.

    `is_complete`: every value of the key is stored as well. It is False if the key has too many values, or one that is
    too long, or one other than a string, a boolean or an integer.
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
