"""The check of searched texts: the stored rows are those that the messages and steps give now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from django.db import connection, transaction

from runs.db.project_locks import lock_records_exclusively
from runs.enrichment.search_backfill import MESSAGE_TEXT_FIELDS, STEP_TEXT_FIELDS, measure_search_backfill
from runs.enrichment.search_text_table import replace_search_texts
from runs.enrichment.search_texts import SearchTextRow, derive_message_text, derive_step_text
from runs.integrity.check_results import REPAIR_REMEDY, CheckResult, Severity, judge_count
from runs.models import Message, Project, RunStep, SearchText

CHECK_BATCH_SIZE = 1000
# The ids of the derived rows, to find stored ones that no record has.
_EXPECTED_TABLE = """
    DROP TABLE IF EXISTS pg_temp.expected_text;
    CREATE TEMPORARY TABLE expected_text (id uuid PRIMARY KEY) ON COMMIT DROP"""
_ADD_EXPECTED = "INSERT INTO expected_text SELECT * FROM unnest(%s::uuid[]) ON CONFLICT DO NOTHING"
_ORPHANS = "FROM search_text WHERE project_id = %s AND id NOT IN (SELECT id FROM expected_text)"


def check_search_texts(project: Project, *, is_repairing: bool) -> CheckResult:
    """Compare the stored rows with those that are derived now. Missing, wrong and superfluous rows are replaced."""
    name = f"search of {project.slug}"
    percentage = measure_search_backfill(project)
    if percentage is not None:
        message = f"{percentage} % of the messages and tool calls are searchable; the maintenance process does the rest"
        return CheckResult(name, Severity.OK, message)
    with transaction.atomic(), connection.cursor() as cursor:
        if is_repairing:
            lock_records_exclusively(project.pk)
        cursor.execute(_EXPECTED_TABLE)
        wrong_count, rows = 0, _derive_all(project)
        while batch := list(islice(rows, CHECK_BATCH_SIZE)):
            cursor.execute(_ADD_EXPECTED, [[row.id for row in batch]])
            wrong = _find_wrong(batch)
            wrong_count += len(wrong)
            if is_repairing:
                replace_search_texts(project, wrong)
        cursor.execute(f"{'DELETE' if is_repairing else 'SELECT'} {_ORPHANS}", [project.pk])
        wrong_count += cursor.rowcount
    return judge_count(
        name, wrong_count, "messages and steps whose searched text is wrong, missing or left over",
        severity=Severity.WARNING, remedy=REPAIR_REMEDY, is_repaired=is_repairing,
    )  # fmt: skip


def _derive_all(project: Project) -> Iterator[SearchTextRow]:
    """Yield the rows of all messages and steps of a project."""
    messages = Message.objects.in_project(project).only(*MESSAGE_TEXT_FIELDS)
    for message in messages.iterator(CHECK_BATCH_SIZE):
        if row := derive_message_text(project, message.pk.hex, message):
            yield row
    for step in RunStep.objects.filter(project=project).only(*STEP_TEXT_FIELDS).iterator(CHECK_BATCH_SIZE):
        if row := derive_step_text(project, step):
            yield row


def _find_wrong(rows: Sequence[SearchTextRow]) -> list[SearchTextRow]:
    """Return the rows that are not stored like this."""
    stored = {text.pk.hex: _to_row(text) for text in SearchText.objects.filter(pk__in=[row.id for row in rows])}
    return [row for row in rows if stored.get(row.id) != row]


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
