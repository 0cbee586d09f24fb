"""Every filter on configurations, as chainable methods."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    # ruff does not see the name that stands in quotes below
    from runs.models import Configuration, Project  # noqa: F401


class ConfigurationQuerySet(models.QuerySet["Configuration"]):
    def tools_of(self, project: Project, ids: Iterable[uuid.UUID]) -> list[tuple[uuid.UUID, list[str], list[str]]]:
        """Kinds of tools and names of functions, by configuration; one query."""
        found = self.filter(project=project, pk__in=list(ids))
        return list(found.values_list("pk", "tool_types", "function_names"))
