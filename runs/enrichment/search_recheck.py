"""The recheck of searched texts after an upgrade from code that did not write them.

While nodes are upgraded one after the other, older code changes records without their texts, and deletes records but
not their texts. The migration notes the time. Later, twice, the records that were received since then are compared with
their texts, and texts without a record are deleted.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from runs.db.keyset_pagination import is_up_to
from runs.db.project_locks import lock_records_shared
from runs.enrichment.search_text_table import delete_search_texts, find_wrong_search_texts, replace_search_texts
from runs.enrichment.searched_records import SearchedRecordPosition
from runs.models import Project, SearchText
from runs.models.project import ALL_SEARCHABLE

# When the passes begin, after the upgrade: the first for an upgrade of minutes, the second for one of hours.
RECHECK_DELAYS = (timedelta(hours=1), timedelta(days=1))
# Records of a batch, most of which were received before the upgrade.
RECHECK_BATCH_SIZE = 2000
_ORPHANS = "orphans"

# The older code deletes the calls of a run with the run, so one step that is left shows that the texts have records.
_DELETE_ORPHANS = f"""
    DELETE FROM search_text WHERE id = ANY(%s) AND CASE kind
      WHEN {SearchText.Kind.CALLS}
      THEN NOT EXISTS (SELECT FROM run_step WHERE run_step.run_id = search_text.run_id)
           AND NOT EXISTS (SELECT FROM run WHERE run.id = search_text.run_id)
      ELSE NOT EXISTS (SELECT FROM message WHERE message.id = search_text.id) END"""  # noqa: S608


def recheck_search_texts(project: Project) -> bool:
    """Recheck the next batch of records if a pass is due, and return whether there is more. The position is stored."""
    since = project.search_recheck_since
    if since is None or project.searchable_until != ALL_SEARCHABLE:
        return False
    number, _, position = project.search_rechecked_until.partition(" ")
    pass_number = int(number or 0)
    if timezone.now() < since + RECHECK_DELAYS[pass_number]:
        return False
    with transaction.atomic():
        lock_records_shared(project.pk)  # deletion waits
        following = _recheck_batch(project, since, position)
        is_last = following is None and pass_number + 1 == len(RECHECK_DELAYS)
        Project.objects.filter(pk=project.pk).update(
            search_recheck_since=None if is_last else since,
            search_rechecked_until=f"{pass_number + 1} " if following is None else f"{pass_number} {following}",
        )
    return following is not None


def _recheck_batch(project: Project, since: datetime, position: str) -> str | None:
    """Recheck a batch and return the position after it, None at the end of the pass."""
    if position.startswith(_ORPHANS):
        return _delete_orphans(project, position.removeprefix(_ORPHANS).strip())
    return _recheck_records(project, since, SearchedRecordPosition.parse(position))


def _recheck_records(project: Project, since: datetime, position: SearchedRecordPosition) -> str:
    record_type = position.record_type
    records = record_type.read(project, position.after)
    last = records.values_list(*record_type.key)[RECHECK_BATCH_SIZE - 1 : RECHECK_BATCH_SIZE].first()
    if last is not None:
        records = records.filter(is_up_to(record_type.key, last, descending=False))
    # writers of the same records write after this
    received = list(records.filter(seen_at__gte=since).select_for_update())
    rows = [row for record in received if (row := record_type.derive(project, record))]
    delete_search_texts({record_type.make_text_id(record) for record in received}.difference(row.id for row in rows))
    replace_search_texts(project, find_wrong_search_texts(rows))
    following = position.follow(last)
    return f"{_ORPHANS} " if following is None else following.format()


def _delete_orphans(project: Project, after: str) -> str | None:
    texts = SearchText.objects.in_project(project).order_by("pk")
    following = texts.filter(pk__gt=after) if after else texts
    batch = list(following.values_list("pk", flat=True)[:RECHECK_BATCH_SIZE])
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_ORPHANS, [batch])
    return f"{_ORPHANS} {batch[-1].hex}" if len(batch) == RECHECK_BATCH_SIZE else None
