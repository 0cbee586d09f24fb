"""What a run was configured with, kept once however many runs share it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models

from runs.models.account import Project
from runs.protocol import tool_definitions
from runs.protocol.tool_definitions import ParsedToolDefinition
from runs.querysets.configuration import ConfigurationQuerySet


class Configuration(models.Model):
    """Instructions, tools, model, sampling and limits, exactly as posted.

    Of a million runs some hundred configurations are distinct, so runs stay small and the long texts are
    stored, searched and compared once. The id is a hash of (project, assistant, content): the key is the
    uniqueness, and rows are never changed.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    assistant_id = models.TextField()
    body = models.TextField(help_text="JSON object of the configuration fields, as posted")
    model = models.TextField(null=True)  # noqa: DJ001 - null is what was posted
    instructions = models.TextField(null=True)  # noqa: DJ001
    tool_types = ArrayField(models.TextField(), default=list, help_text="Distinct tools[].type, in order")
    function_names = ArrayField(models.TextField(), default=list, help_text="tools[].function.name, in order")
    first_seen_at = models.DateTimeField(help_text="When it was first received")

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        db_table = "configuration"
        indexes: ClassVar = [
            # the configurations of one assistant, in order of first sight
            models.Index("project", "assistant_id", "first_seen_at", "id", name="configuration_assistant"),
            # instructions:"refund policy" and free words
            GinIndex(OpClass("instructions", "gin_trgm_ops"), name="configuration_instructions"),
            # defines:… and tool:…
            GinIndex(fields=["function_names"], name="configuration_functions"),
            GinIndex(fields=["tool_types"], name="configuration_tools"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class ToolDefinition(models.Model):
    """A tool as an assistant's configurations define it, once however many of them do.

    Made with the first of them. One version of a tool has the same `digest` in every assistant.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    assistant_id = models.TextField()
    type = models.TextField()
    name = models.TextField(help_text="A function's name, an MCP server's label, else the kind")
    digest = models.UUIDField(help_text="Hash of the definition, order of names aside")
    description = models.TextField(null=True)  # noqa: DJ001 - null is what was posted
    body = models.TextField(help_text="JSON of the tool, as posted")
    first_seen_at = models.DateTimeField(help_text="When the earliest run was created that came with it at first")

    class Meta:
        db_table = "tool_definition"
        indexes: ClassVar = [
            # all that is defined in a project, and the versions of one tool
            models.Index("project", "type", "name", name="tool_definition_tool"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.name} of {self.assistant_id}"

    @classmethod
    def of(cls, configuration: Configuration, definition: ParsedToolDefinition, since: datetime) -> ToolDefinition:
        """What the assistant of `configuration` has with it, `since` then."""
        return cls(
            id=tool_definitions.tool_definition_id(configuration.project_id, configuration.assistant_id, definition),
            project_id=configuration.project_id,
            assistant_id=configuration.assistant_id,
            type=definition.type,
            name=definition.name,
            digest=definition.digest,
            description=definition.description,
            body=definition.body,
            first_seen_at=since,
        )
