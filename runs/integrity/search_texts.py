"""The check of searched texts: the stored rows are those that the records give now."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from django.db import connection, transaction

from runs.db.project_locks import lock_records_exclusively
from runs.enrichment.search_backfill import measure_search_backfill
from runs.enrichment.search_text_table import find_wrong_search_texts, replace_search_texts
from runs.enrichment.search_texts import SearchTextRow
from runs.enrichment.searched_records import SEARCHED_RECORD_TYPES
from runs.integrity.check_results import REPAIR_REMEDY, CheckResult, Severity, judge_count
from runs.models import Project

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
            wrong = find_wrong_search_texts(batch)
            wrong_count += len(wrong)
            if is_repairing:
                replace_search_texts(project, wrong)
        cursor.execute(f"{'DELETE' if is_repairing else 'SELECT'} {_ORPHANS}", [project.pk])
        wrong_count += cursor.rowcount
    return judge_count(
        name, wrong_count, "records whose searched text is wrong, missing or left over",
        severity=Severity.WARNING, remedy=REPAIR_REMEDY, is_repaired=is_repairing,
    )  # fmt: skip


def _derive_all(project: Project) -> Iterator[SearchTextRow]:
    """Yield the rows of all records of a project."""
    for record_type in SEARCHED_RECORD_TYPES:
        records = record_type.select(project).only(*record_type.fields)
        for record in records.iterator(CHECK_BATCH_SIZE):
            if row := record_type.derive(project, record):
                yield row
