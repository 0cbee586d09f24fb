"""The backfill of searched texts: of the records that were stored before texts were searched."""

from __future__ import annotations

from django.db import transaction

from runs.db.project_locks import lock_records_shared
from runs.enrichment.search_text_table import insert_missing_search_texts
from runs.enrichment.searched_records import SearchedRecordPosition
from runs.models import Project
from runs.models.project import ALL_SEARCHABLE

SEARCH_BACKFILL_BATCH_SIZE = 500


def backfill_search_texts(project: Project) -> bool:
    """Derive the rows of the next batch of records, and return whether there is more.

    The position is stored, so that a restart continues there.
    """
    if project.searchable_until == ALL_SEARCHABLE:
        return False
    position = SearchedRecordPosition.parse(project.searchable_until)
    record_type = position.record_type
    with transaction.atomic():
        # deletion waits, and writers of the same records write after this: they replace these rows
        lock_records_shared(project.pk)
        records = record_type.read(project, position.after).select_for_update()
        batch = list(records[:SEARCH_BACKFILL_BATCH_SIZE])
        insert_missing_search_texts(project, [row for record in batch if (row := record_type.derive(project, record))])
        is_full = len(batch) == SEARCH_BACKFILL_BATCH_SIZE
        following = position.follow(record_type.get_key(batch[-1]) if is_full else None)
        text = ALL_SEARCHABLE if following is None else following.format()
        Project.objects.filter(pk=project.pk).update(searchable_until=text)
    return following is not None


def measure_search_backfill(project: Project) -> int | None:
    """Return the percentage of the records that are searchable, None if all are."""
    if project.searchable_until == ALL_SEARCHABLE:
        return None
    return int(100 * SearchedRecordPosition.parse(project.searchable_until).share)
