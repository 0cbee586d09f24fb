"""The messages that runs answer.

A message that names no run, as those of users do, belongs to the first run after it, and to all runs up to the next
such message: they answer the same question. So a run has the messages after the run before it in its thread, and the
last such message whatever came between.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from runs.db import sql

# The project, the thread and the time of a message that names no run.
MessagePlace = tuple[int, str, datetime]

# Each thread is read once, however many of its messages are asked for.
_LAST_MESSAGES = """
    WITH found AS (
        SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[]) AS place (project_id, thread_id, created_at)),
    thread AS (
        SELECT project_id, thread_id, min(created_at) AS since FROM found GROUP BY project_id, thread_id),
    event AS (
        SELECT project_id, thread_id, created_at, NULL::uuid AS run_id, created_at AS found_at, NULL AS said_at
          FROM found
         UNION ALL
        SELECT project_id, thread_id, said.created_at, NULL, NULL, said.created_at
          FROM thread CROSS JOIN LATERAL (
                SELECT created_at FROM search_text
                 WHERE project_id = thread.project_id AND thread_id = thread.thread_id AND created_at >= since) AS said
         UNION ALL
        SELECT project_id, thread_id, run.created_at, run.id, NULL, NULL
          FROM thread CROSS JOIN LATERAL (
                SELECT id, created_at FROM run
                 WHERE project_id = thread.project_id AND thread_id = thread.thread_id AND created_at >= since) AS run),
    placed AS (
        SELECT thread_id, run_id, max(found_at) OVER so_far AS found_at, max(said_at) OVER so_far AS said_at,
               max(created_at) FILTER (WHERE run_id IS NOT NULL) OVER earlier AS last_run_at
          FROM event
        WINDOW so_far AS (PARTITION BY project_id, thread_id ORDER BY created_at),
               earlier AS (PARTITION BY project_id, thread_id ORDER BY created_at
                           GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
    SELECT run_id, thread_id, found_at FROM placed
     WHERE run_id = ANY(%s::uuid[]) AND (found_at = said_at OR found_at > coalesce(last_run_at, '-infinity'))"""


def fetch_last_messages(
    places: Sequence[MessagePlace], run_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, tuple[str, datetime]]:
    """Return the thread and the time of the last message, among `places`, that each of `run_ids` answers."""
    if not places:
        return {}
    project_ids, thread_ids, times = zip(*places, strict=True)
    columns = (project_ids, thread_ids, [time.isoformat() for time in times], [pk.hex for pk in run_ids])
    with sql.open_cursor() as cursor:
        cursor.execute(_LAST_MESSAGES, [sql.format_array(column) for column in columns])
        return {run_id: (thread_id, found_at) for run_id, thread_id, found_at in cursor.fetchall()}
