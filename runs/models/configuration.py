"""Configurations of runs, stored once however many runs share one."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models

from runs.models.project import Project


class ConfigurationQuerySet(models.QuerySet["Configuration"]):
    """Queries on configurations."""

    def fetch_tools(self, project: Project, ids: Iterable[uuid.UUID]) -> list[tuple[uuid.UUID, list[str], list[str]]]:
        """Return the id, tool types and function names of each of those configurations, in one query."""
        configurations = self.filter(project=project, pk__in=list(ids))
        return list(configurations.values_list("pk", "tool_types", "function_names"))


class Configuration(models.Model):
    """Instructions, tools, model, sampling and limits, exactly as posted.

    A million runs have some hundred distinct configurations, so runs stay small, and the long texts are stored,
    searched and compared once. The id is a hash of project, assistant and content, which makes rows unique. Rows are
    never changed.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    assistant_id = models.TextField()
    body = models.TextField(help_text="JSON object of the configuration fields, as posted")
    model = models.TextField(null=True)  # noqa: DJ001 - null is what was posted
    instructions = models.TextField(null=True)  # noqa: DJ001
    tool_types = ArrayField(models.TextField(), default=list, help_text="Distinct tools[].type, in order")
    function_names = ArrayField(models.TextField(), default=list, help_text="tools[].function.name, in order")
    first_seen_at = models.DateTimeField(help_text="Time of first receipt")

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        db_table = "configuration"
        indexes: ClassVar = [
            # configurations of one assistant in order of first sight
            models.Index("project", "assistant_id", "first_seen_at", "id", name="configuration_assistant"),
            # instructions:"refund policy" and free text
            GinIndex(OpClass("instructions", "gin_trgm_ops"), name="configuration_instructions"),
            # defines:… and tool:…
            GinIndex(fields=["function_names"], name="configuration_functions"),
            GinIndex(fields=["tool_types"], name="configuration_tools"),
        ]

    def __str__(self) -> str:
        return str(self.id)
