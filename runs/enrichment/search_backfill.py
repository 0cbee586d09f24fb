"""The backfill of searched texts: of the messages and steps that were stored before texts were searched."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import models, transaction

from runs.db.keyset_pagination import is_after
from runs.db.project_locks import lock_records_shared
from runs.enrichment.search_text_table import insert_missing_search_texts
from runs.enrichment.search_texts import SearchTextRow, derive_message_text, derive_step_text
from runs.models import Message, Project, RunStep
from runs.models.project import ALL_SEARCHABLE

SEARCH_BACKFILL_BATCH_SIZE = 500
_STEPS, _MESSAGES = "steps", "messages"  # in this order
STEP_TEXT_FIELDS = ("run_id", "external_id", "run_external_id", "created_at", "details")
MESSAGE_TEXT_FIELDS = ("id", "external_id", "created_at", "thread_id", "run_external_id", "role", "text")


def backfill_search_texts(project: Project) -> bool:
    """Derive the rows of the next batch of records, and return whether there is more.

    The position is stored, so that a restart continues there.
    """
    if project.searchable_until == ALL_SEARCHABLE:
        return False
    table, *position = (project.searchable_until or f"{_STEPS} ").split(" ", 2)
    with transaction.atomic():
        # deletion waits, and writers of the same records write after this: they replace these rows
        lock_records_shared(project.pk)
        rows, next_position = (_read_steps if table == _STEPS else _read_messages)(
            project, list(filter(None, position))
        )
        insert_missing_search_texts(project, rows)
        Project.objects.filter(pk=project.pk).update(searchable_until=next_position)
    return next_position != ALL_SEARCHABLE


def measure_search_backfill(project: Project) -> int | None:
    """Return the percentage of the records that are searchable, None if all are. Ids are spread evenly."""
    if project.searchable_until == ALL_SEARCHABLE:
        return None
    table, *position = (project.searchable_until or f"{_STEPS} ").split(" ", 2)
    share = uuid.UUID(position[0]).int / 2**128 if position and position[0] else 0.0
    return int(50 * share) + (0 if table == _STEPS else 50)


def _read_steps(project: Project, position: Sequence[str]) -> tuple[list[SearchTextRow], str]:
    steps: models.QuerySet[Any] = RunStep.objects.filter(project=project).order_by("run_id", "external_id")
    if position:
        after = (uuid.UUID(position[0]), position[1])
        steps = steps.filter(is_after(("run_id", "external_id"), after, descending=False))
    batch = list(steps.only(*STEP_TEXT_FIELDS).select_for_update()[:SEARCH_BACKFILL_BATCH_SIZE])
    rows = [row for step in batch if (row := derive_step_text(project, step))]
    if len(batch) < SEARCH_BACKFILL_BATCH_SIZE:
        return rows, f"{_MESSAGES} "
    return rows, f"{_STEPS} {batch[-1].run_id.hex} {batch[-1].external_id}"


def _read_messages(project: Project, position: Sequence[str]) -> tuple[list[SearchTextRow], str]:
    messages = Message.objects.in_project(project).order_by("id")
    if position:
        messages = messages.filter(pk__gt=uuid.UUID(position[0]))
    batch = list(messages.only(*MESSAGE_TEXT_FIELDS).select_for_update()[:SEARCH_BACKFILL_BATCH_SIZE])
    rows = [row for message in batch if (row := derive_message_text(project, message.pk.hex, message))]
    is_last = len(batch) < SEARCH_BACKFILL_BATCH_SIZE
    return rows, ALL_SEARCHABLE if is_last else f"{_MESSAGES} {batch[-1].pk.hex}"
