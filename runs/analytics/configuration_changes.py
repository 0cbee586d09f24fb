"""The changes of configurations of all assistants, the newest first.

A change is the first use of a configuration by an assistant that had another one before. It is found by the times of
runs, like the versions of one assistant (see `versions`).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from runs.models import Project

# Configurations that are read, those that were received last. An import of old runs may bring many at once.
MAX_RECENT_CONFIGURATIONS = 500

_CHANGES = """
    SELECT received.assistant_id, received.id, before.configuration_id, first.created_at
      FROM (SELECT id, assistant_id FROM configuration WHERE project_id = %s {assistant_condition}
             ORDER BY first_seen_at DESC, id DESC LIMIT %s) AS received,
           LATERAL (SELECT created_at FROM run WHERE configuration_id = received.id
                     ORDER BY created_at LIMIT 1) AS first
      LEFT JOIN LATERAL (SELECT configuration_id FROM run
                          WHERE project_id = %s AND assistant_id = received.assistant_id
                            AND created_at < first.created_at
                          ORDER BY created_at DESC LIMIT 1) AS before ON true
     WHERE first.created_at >= %s
     ORDER BY first.created_at DESC, received.id LIMIT %s"""


@dataclass(frozen=True, slots=True)
class ConfigurationChange:
    """The first use of a configuration; `previous_id` is the one before, None for the first of an assistant."""

    assistant_id: str
    configuration_id: uuid.UUID
    previous_id: uuid.UUID | None
    changed_at: datetime


def fetch_configuration_changes(
    project: Project, since: datetime, max_changes: int, assistant_id: str | None = None
) -> list[ConfigurationChange]:
    """Return the changes since a time, of all assistants or of one; one query."""
    condition = "" if assistant_id is None else "AND assistant_id = %s"
    assistant = [] if assistant_id is None else [assistant_id]
    params: list[Any] = [project.pk, *assistant, MAX_RECENT_CONFIGURATIONS, project.pk, since, max_changes]
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES.format(assistant_condition=condition), params)
        return [ConfigurationChange(*row) for row in cursor.fetchall()]
