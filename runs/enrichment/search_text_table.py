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
_DELETE = "DELETE FROM search_text WHERE id = ANY(%s::uuid[])"


def insert_search_texts(project: Project, rows: Sequence[SearchTextRow], *, skip_existing: bool = False) -> None:
    """Insert rows; they are searched at once, and added to the index later.

    Raises IntegrityError if one of them exists, unless `skip_existing`.
    """
    if not rows:
        return
    columns = zip(*((*row[:4], row.created_at.isoformat(), *row[5:8], _format_ids(row)) for row in rows), strict=True)
    statement = f"{_INSERT} ON CONFLICT DO NOTHING" if skip_existing else _INSERT
    with sql.open_cursor() as cursor:
        cursor.execute(statement, [project.pk, *map(sql.format_array, columns)], prepare=True)


def delete_search_texts(ids: Collection[str]) -> None:
    """Delete the rows with those ids, given by their hexadecimal digits."""
    if ids:
        with sql.open_cursor() as cursor:
            cursor.execute(_DELETE, [sql.format_array(sorted(ids))], prepare=True)


def _format_ids(row: SearchTextRow) -> str | None:
    return None if row.call_ids is None else sql.format_array(row.call_ids)
