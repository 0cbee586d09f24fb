"""Tools that the configurations of an assistant define."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models

from runs.models.configuration import Configuration
from runs.models.project import Project
from runs.protocol.tool_definitions import ParsedToolDefinition, tool_definition_id


class ToolDefinition(models.Model):
    """A tool as the configurations of an assistant define it, stored once however many of them do.

    It is written with the first of these configurations. A version of a tool has the same `digest` in every assistant.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    assistant_id = models.TextField()
    type = models.TextField()
    name = models.TextField(help_text="Function name, MCP server label, or else the type")
    digest = models.UUIDField(help_text="Hash of the definition; the order of members does not matter")
    description = models.TextField(null=True)  # noqa: DJ001 - null is what was posted
    body = models.TextField(help_text="JSON of the tool, as posted")
    first_seen_at = models.DateTimeField(help_text="Creation time of the earliest run with this definition")

    class Meta:
        db_table = "tool_definition"
        indexes: ClassVar = [
            # tools of a project, and versions of one tool
            models.Index("project", "type", "name", name="tool_definition_tool"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.name} of {self.assistant_id}"

    @classmethod
    def from_parsed(
        cls, configuration: Configuration, definition: ParsedToolDefinition, first_seen_at: datetime
    ) -> ToolDefinition:
        """Build the row of a tool that `configuration` defines."""
        return cls(
            id=tool_definition_id(configuration.project_id, configuration.assistant_id, definition),
            project_id=configuration.project_id,
            assistant_id=configuration.assistant_id,
            type=definition.type,
            name=definition.name,
            digest=definition.digest,
            description=definition.description,
            body=definition.body,
            first_seen_at=first_seen_at,
        )
