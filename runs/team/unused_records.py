"""Delete the records that only deleted runs referred to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from runs.enrichment.tool_definitions import delete_unused_tool_definitions
from runs.models import Project, Run
from runs.protocol.fields import make_storable_metadata
from runs.protocol.lossless_json import clean_text, decode_json, split_object
from runs.team.unused_metadata import MetadataPair, delete_unused_metadata

# OFFSET 0 keeps the subqueries from becoming joins, which would read all runs.
_DELETE_CONFIGURATIONS = """
    DELETE FROM configuration WHERE project_id = %s AND assistant_id = ANY(%s)
       AND NOT EXISTS (SELECT FROM run WHERE run.configuration_id = configuration.id OFFSET 0)
    RETURNING assistant_id, body"""
_DELETE_ERROR_GROUPS = """
    WITH deleted AS (
        DELETE FROM error_group WHERE project_id = %s
           AND NOT EXISTS (SELECT FROM run WHERE run.error_group_id = error_group.id OFFSET 0)
        RETURNING id),
    comments AS (DELETE FROM error_group_comment WHERE group_id IN (SELECT id FROM deleted))
    DELETE FROM error_group_event WHERE group_id IN (SELECT id FROM deleted)"""
_DELETE_ASSISTANTS = """
    DELETE FROM assistant WHERE id = ANY(%s)
       AND NOT EXISTS (
           SELECT FROM run
            WHERE run.project_id = assistant.project_id AND run.assistant_id = assistant.external_id OFFSET 0)"""


@dataclass
class RecordReferences:
    """The records that deleted ones of `project` referred to, in their last and in all earlier versions."""

    project: Project
    assistant_ids: set[str] = field(default_factory=set)
    metadata_keys: set[str] = field(default_factory=set)
    metadata_pairs: set[MetadataPair] = field(default_factory=set)

    def add_runs(self, runs: Iterable[Run]) -> None:
        """Add what `runs` refer to."""
        for run in runs:
            self.assistant_ids.add(run.assistant_id)
            self._add_metadata(run.metadata)

    def add_history(self, replaced: Iterable[str]) -> None:
        """Add what the changed fields of earlier versions refer to, each a JSON object (see `Observation.other`)."""
        for members in map(split_object, map(str.encode, replaced)):
            if "assistant_id" in members:
                self.assistant_ids.add(clean_text(str(decode_json(members["assistant_id"]))))
            self._add_metadata(make_storable_metadata(decode_json(members.get("metadata", b"null"))))

    def add_assistants(self, assistant_ids: Iterable[str | None]) -> None:
        """Add assistants that steps and messages name."""
        self.assistant_ids.update(filter(None, assistant_ids))

    def delete_unused(self) -> None:
        """Delete the configurations, tool definitions, assistants and metadata that no run refers to any more.

        Error groups without runs are deleted whichever runs they had: their ids are not part of earlier versions.
        Call it with the writers of the project locked out (see `runs.db.project_locks`).
        """
        assistant_ids = sorted(self.assistant_ids)
        with connection.cursor() as cursor:
            cursor.execute(_DELETE_CONFIGURATIONS, [self.project.pk, assistant_ids])
            configurations: list[tuple[str, str]] = cursor.fetchall()
            cursor.execute(_DELETE_ERROR_GROUPS, [self.project.pk])
            cursor.execute(_DELETE_ASSISTANTS, [[self.project.record_id(name) for name in assistant_ids]])
        delete_unused_tool_definitions(self.project.pk, configurations)
        delete_unused_metadata(self.project.pk, self.metadata_keys, self.metadata_pairs)

    def _add_metadata(self, metadata: Any) -> None:
        if not isinstance(metadata, dict):
            return
        self.metadata_keys.update(metadata)
        texts = {key: str(value).lower() if isinstance(value, bool) else value for key, value in metadata.items()}
        self.metadata_pairs.update((key, text) for key, text in texts.items() if isinstance(text, str))
