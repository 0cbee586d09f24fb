"""Compare the stored metadata keys and values with those of the runs: searches skip what is not stored."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection, transaction

from runs.db.project_locks import lock_records_exclusively
from runs.integrity.check_results import REPAIR_REMEDY, CheckResult, judge_count
from runs.models import Project
from runs.models.metadata_key import MAX_METADATA_KEYS, MAX_METADATA_TEXT_LENGTH

_OBJECTS = "CASE jsonb_typeof(metadata) WHEN 'object' THEN metadata ELSE '{}' END"
# A project with the maximum number of keys stores no others.
_MISSING_KEYS = f"""
    SELECT DISTINCT member.key FROM run, jsonb_each({_OBJECTS}) AS member
     WHERE run.project_id = %(project)s AND jsonb_typeof(member.value) <> 'null'
       AND length(member.key) <= {MAX_METADATA_TEXT_LENGTH}
       AND (SELECT count(*) FROM metadata_key WHERE project_id = %(project)s) < {MAX_METADATA_KEYS}
       AND NOT EXISTS (SELECT FROM metadata_key WHERE project_id = %(project)s AND key = member.key)"""  # noqa: S608
# Values of complete keys that are missing, or whose newest run is later than their hour says.
_MISSING_VALUES = f"""
    SELECT used.key, used.value, used.hour
      FROM (SELECT member.key, member.value #>> '{{}}' AS value, date_trunc('hour', max(created_at), 'UTC') AS hour
              FROM run, jsonb_each({_OBJECTS}) AS member
              JOIN metadata_key ON metadata_key.project_id = %(project)s AND metadata_key.key = member.key
                               AND metadata_key.is_complete
             WHERE run.project_id = %(project)s AND jsonb_typeof(member.value) IN ('string', 'boolean')
             GROUP BY 1, 2) AS used
      LEFT JOIN metadata_value AS stored
        ON stored.project_id = %(project)s AND stored.key = used.key AND stored.value = used.value
     WHERE stored.last_hour IS NULL OR stored.last_hour < used.hour"""  # noqa: S608
_STORE_VALUES = f"""
    INSERT INTO metadata_value (project_id, key, value, last_hour)
    SELECT %(project)s, missing.* FROM ({_MISSING_VALUES}) AS missing
    ON CONFLICT (project_id, key, value) DO UPDATE SET last_hour = excluded.last_hour"""  # noqa: S608
# Incomplete: its values are read from the runs.
_STORE_KEYS = f"""
    INSERT INTO metadata_key (project_id, key, is_complete)
    SELECT %(project)s, missing.key, false FROM ({_MISSING_KEYS}) AS missing ON CONFLICT DO NOTHING"""  # noqa: S608


def check_metadata(project: Project, *, is_repairing: bool) -> Iterator[CheckResult]:
    """Check that every metadata key and value of the runs is stored; store those that are not."""
    name, params = f"metadata of {project.slug}", {"project": project.pk}
    counts = []
    with transaction.atomic(), connection.cursor() as cursor:
        if is_repairing:
            lock_records_exclusively(project.pk)
        for find, store in ((_MISSING_KEYS, _STORE_KEYS), (_MISSING_VALUES, _STORE_VALUES)):
            cursor.execute(store if is_repairing else f"SELECT FROM ({find}) AS missing", params)
            counts.append(cursor.rowcount)
    for count, noun in zip(counts, ("keys that searches do not know", "values that searches do not find"), strict=True):
        yield judge_count(name, count, noun, remedy=REPAIR_REMEDY, is_repaired=is_repairing)
