"""The keys of the metadata that usage can be split by."""

from __future__ import annotations

from django.db import connection

from runs.models import Project

SAMPLED_RUNS = 500
MAX_METADATA_KEYS = 12

_KEYS = """
    SELECT key
      FROM (SELECT metadata FROM run WHERE project_id = %s ORDER BY created_at DESC, id DESC LIMIT %s) AS newest,
           jsonb_object_keys(CASE jsonb_typeof(metadata) WHEN 'object' THEN metadata ELSE '{}' END) AS pair (key)
     GROUP BY key ORDER BY count(*) DESC, key LIMIT %s"""


def fetch_metadata_keys(project: Project) -> list[str]:
    """Return the most frequent metadata keys of the newest runs, the most frequent first."""
    with connection.cursor() as cursor:
        cursor.execute(_KEYS, [project.pk, SAMPLED_RUNS, MAX_METADATA_KEYS])
        return [key for (key,) in cursor.fetchall()]
