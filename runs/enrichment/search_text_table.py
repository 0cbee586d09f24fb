"""Writing of the table `search_text` in batches."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from runs.db import sql
from runs.enrichment.search_texts import SearchTextRow
from runs.models import Project

_INSERT = """
    INSERT INTO search_text (project_id, id, kind, run_id, thread_id, created_at, said, arguments, output, call_ids)
    SELECT %s, derived.id, derived.kind, derived.run_id, derived.thread_id, derived.created_at,
           derived.said, derived.arguments, derived.output, derived.call_ids::text[]
      FROM unnest(%s::uuid[], %s::smallint[], %s::uuid[], %s::text[], %s::timestamptz[],
                  %s::text[], %s::text[], %s::text[], %s::text[])
        AS derived (id, kind, run_id, thread_id, created_at, said, arguments, output, call_ids)"""
_SKIP_EXISTING = " ON CONFLICT DO NOTHING"
# A node with older code deletes records without their texts: what it left must not hold up a record that comes again.
_REPLACE_EXISTING = """
    ON CONFLICT (id) DO UPDATE
       SET (kind, is_indexed, run_id, thread_id, created_at, said, arguments, output, call_ids)
         = (excluded.kind, false, excluded.run_id, excluded.thread_id, excluded.created_at,
            excluded.said, excluded.arguments, excluded.output, excluded.call_ids)"""
_DELETE = "DELETE FROM search_text WHERE id = ANY(%s::uuid[])"


def insert_search_texts(project: Project, rows: Sequence[SearchTextRow], *, skip_existing: bool = False) -> None:
    """Insert rows; they are searched at once, and added to the index later.

    Rows that exist are replaced, or with `skip_existing` left as they are.
    """
    if not rows:
        return
    columns = zip(*((*row[:4], row.created_at.isoformat(), *row[5:8], _format_ids(row)) for row in rows), strict=True)
    on_conflict = _SKIP_EXISTING if skip_existing else _REPLACE_EXISTING
    with sql.open_cursor() as cursor:
        cursor.execute(_INSERT + on_conflict, [project.pk, *map(sql.format_array, columns)], prepare=True)


def delete_search_texts(ids: Collection[str]) -> None:
    """Delete the rows with those ids, given by their hexadecimal digits."""
    if ids:
        with sql.open_cursor() as cursor:
            cursor.execute(_DELETE, [sql.format_array(sorted(ids))], prepare=True)


def _format_ids(row: SearchTextRow) -> str | None:
    return None if row.call_ids is None else sql.format_array(row.call_ids)
