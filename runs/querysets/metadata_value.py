"""Every filter on the values that metadata have, as chainable methods."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from runs.models import MetadataKey, MetadataValue, Project  # noqa: F401 - named in quotes below

# Keys of a project that are kept, and the longest text that is: of a key, of a value.
MAX_METADATA_KEYS, MAX_METADATA_TEXT_LENGTH = 200, 200


class MetadataKeyQuerySet(models.QuerySet["MetadataKey"]):
    def in_project(self, project: Project) -> Self:
        """The keys of one project."""
        return self.filter(project=project)

    def has_all_values(self, key: str) -> bool:
        """Whether all values of `key` are kept, of these, which are those of a project; a key that no run has has none.

        None is kept of a longer key, or where there are too many.
        """
        if len(key) > MAX_METADATA_TEXT_LENGTH:
            return False
        is_complete = self.filter(key=key).values_list("is_complete", flat=True).first()
        return self.count() < MAX_METADATA_KEYS if is_complete is None else is_complete


class MetadataValueQuerySet(models.QuerySet["MetadataValue"]):
    def of_key(self, project: Project, key: str) -> Self:
        """The values of one key."""
        return self.filter(project=project, key=key)

    def last_hours(self, values: Iterable[str], patterns: Iterable[str], most: int) -> dict[str, datetime] | None:
        """The last hour of each of `values`, or like one of `patterns`; None where they are more than `most`.

        Patterns are those of LIKE.
        """
        wanted = models.Q(value__in=list(values))
        for pattern in patterns:
            wanted |= models.Q(value__like=pattern)
        found = dict(self.filter(wanted).order_by("value").values_list("value", "last_hour")[: most + 1])
        return found if len(found) <= most else None
