"""Deleting metadata keys and values that no run has any more."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import msgspec
from django.db import connection

from runs.models.metadata_key import MAX_METADATA_KEYS

MetadataPair = tuple[str, str]

# Values that many runs have are found among the newest, without a search of their own.
_MAX_NEWEST_RUNS = 1000
_NEWEST_PAIRS = """
    SELECT DISTINCT member.key, member.value
      FROM (SELECT metadata FROM run WHERE project_id = %s ORDER BY created_at DESC, id DESC LIMIT %s) AS newest,
           jsonb_each_text(CASE jsonb_typeof(metadata) WHEN 'object' THEN metadata ELSE '{}' END) AS member"""
# OFFSET 0 keeps the subquery from becoming a join, which would read all runs.
_DELETE_VALUES = """
    DELETE FROM metadata_value
     USING unnest(%s::text[], %s::text[], %s::jsonb[], %s::jsonb[]) AS candidate (key, value, as_text, as_boolean)
     WHERE metadata_value.project_id = %s
       AND metadata_value.key = candidate.key AND metadata_value.value = candidate.value
       AND NOT EXISTS (
           SELECT FROM run WHERE run.project_id = metadata_value.project_id
              AND (run.metadata @> candidate.as_text OR run.metadata @> candidate.as_boolean) OFFSET 0)"""
# While a project has as many keys as are stored, none is deleted: others might not be stored.
_DELETE_KEYS = """
    WITH unused AS (
        DELETE FROM metadata_key WHERE project_id = %s AND key = ANY(%s)
           AND (SELECT count(*) FROM metadata_key WHERE project_id = %s) < %s
           AND NOT EXISTS (
               SELECT FROM run WHERE run.project_id = metadata_key.project_id
                  AND run.metadata ? metadata_key.key OFFSET 0)
        RETURNING key)
    DELETE FROM metadata_value WHERE project_id = %s AND key IN (SELECT key FROM unused)"""


def delete_unused_metadata(project_id: int, keys: Collection[str], pairs: Collection[MetadataPair]) -> None:
    """Delete those of `keys` and `pairs` that no run of the project has. Values are texts; booleans are spelled.

    Call it with the writers of the project locked out (see `runs.db.project_locks`). Their caches of what is recorded
    are void afterwards.
    """
    if not keys:
        return
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST_PAIRS, [project_id, _MAX_NEWEST_RUNS])
        used = set(cursor.fetchall())
        candidates = sorted(set(pairs) - used)
        with _bitmap_scans_only():
            if candidates:
                columns = [*zip(*candidates, strict=True), *zip(*map(_spell_pair, candidates), strict=True)]
                cursor.execute(_DELETE_VALUES, [*map(list, columns), project_id])
            unused_keys = sorted(set(keys) - {key for key, _ in used})
            cursor.execute(_DELETE_KEYS, [project_id, unused_keys, project_id, MAX_METADATA_KEYS, project_id])


def _spell_pair(pair: MetadataPair) -> tuple[str, str]:
    """Return metadata with that pair as JSON, with the value as a string, and as the boolean it may stand for."""
    key, value = pair
    booleans = {"true": True, "false": False}
    return msgspec.json.encode({key: value}).decode(), msgspec.json.encode({key: booleans.get(value, value)}).decode()


@contextmanager
def _bitmap_scans_only() -> Iterator[None]:
    """Search by the index of metadata. Postgres would rather walk the list of runs, hoping for an early match."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(name, 'off', true) FROM unnest(ARRAY['enable_seqscan', 'enable_indexscan']) AS name"
        )
        yield
        cursor.execute("SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL enable_indexscan TO DEFAULT")
