"""Writing of the table `search_text` in batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from runs.db import sql
from runs.enrichment.search_texts import SearchTextRow
from runs.models import Project, SearchText

# More rows are copied.
MAX_INLINE_ROWS = 32

_COLUMNS = "project_id, id, kind, run_id, thread_id, created_at, said, arguments, output, call_ids"
_INSERT = f"""
    INSERT INTO search_text ({_COLUMNS})
    SELECT %s, derived.id, derived.kind, derived.run_id, derived.thread_id, derived.created_at,
           derived.said, derived.arguments, derived.output, derived.call_ids::text[]
      FROM unnest(%s::uuid[], %s::smallint[], %s::uuid[], %s::text[], %s::timestamptz[],
                  %s::text[], %s::text[], %s::text[], %s::text[])
        AS derived (id, kind, run_id, thread_id, created_at, said, arguments, output, call_ids)"""  # noqa: S608
_SKIP_EXISTING = " ON CONFLICT DO NOTHING"
# A node with older code deletes records without their texts: what it left must not hold up a record that comes again.
_REPLACE_EXISTING = """
    ON CONFLICT (id) DO UPDATE
       SET (kind, is_indexed, run_id, thread_id, created_at, said, arguments, output, call_ids)
         = (excluded.kind, false, excluded.run_id, excluded.thread_id, excluded.created_at,
            excluded.said, excluded.arguments, excluded.output, excluded.call_ids)"""
_DELETE = "DELETE FROM search_text WHERE id = ANY(%s::uuid[])"


def replace_search_texts(project: Project, rows: Sequence[SearchTextRow]) -> None:
    """Write rows over those with the same ids; they are searched at once, and added to the index later."""
    if len(rows) <= MAX_INLINE_ROWS:
        _insert_rows(project, rows, _REPLACE_EXISTING)
        return
    # COPY takes two thirds of the time of INSERT, but stops at a row that exists
    delete_search_texts(row.id for row in rows)
    sql.copy_rows("search_text", _COLUMNS, ([project.pk, *row[:8], _format_ids(row)] for row in rows))


def insert_missing_search_texts(project: Project, rows: Sequence[SearchTextRow]) -> None:
    """Insert rows, and leave those that exist as they are."""
    _insert_rows(project, rows, _SKIP_EXISTING)


def find_wrong_search_texts(rows: Sequence[SearchTextRow]) -> list[SearchTextRow]:
    """Return those of `rows` that are not stored like this."""
    stored = {text.pk.hex: _to_row(text) for text in SearchText.objects.filter(pk__in=[row.id for row in rows])}
    return [row for row in rows if stored.get(row.id) != row]


def _insert_rows(project: Project, rows: Sequence[SearchTextRow], on_conflict: str) -> None:
    if not rows:
        return
    columns = zip(*((*row[:4], row.created_at.isoformat(), *row[5:8], _format_ids(row)) for row in rows), strict=True)
    with sql.open_cursor() as cursor:
        cursor.execute(_INSERT + on_conflict, [project.pk, *map(sql.format_array, columns)], prepare=True)


def delete_search_texts(ids: Iterable[str]) -> None:
    """Delete the rows with those ids, given by their hexadecimal digits."""
    if digits := ",".join(sorted(ids)):
        with sql.open_cursor() as cursor:
            cursor.execute(_DELETE, [f"{{{digits}}}"], prepare=True)


def _format_ids(row: SearchTextRow) -> str | None:
    return None if row.call_ids is None else sql.format_array(row.call_ids)


def _to_row(text: SearchText) -> SearchTextRow:
    return SearchTextRow(
        id=text.pk.hex,
        kind=text.kind,
        run_id=None if text.run_id is None else text.run_id.hex,
        thread_id=text.thread_id,
        created_at=text.created_at,
        said=text.said,
        arguments=text.arguments,
        output=text.output,
        call_ids=None if text.call_ids is None else tuple(text.call_ids),
    )
