"""The searched texts of the records that ingest writes, in the transaction that writes them."""

from __future__ import annotations

from collections.abc import Mapping

from runs.db.upserts import RowKey
from runs.enrichment.search_text_table import delete_search_texts, replace_search_texts
from runs.enrichment.search_texts import (
    SearchTextRow,
    derive_message_text,
    derive_pending_calls_text,
    derive_step_text,
)
from runs.ingest.merge import MergePlan, StoredRecord
from runs.models import Project
from runs.protocol.message import MessageColumns
from runs.protocol.run import RunColumns
from runs.protocol.step import StepColumns


def write_search_texts(project: Project, plans: Mapping[RowKey, MergePlan]) -> None:
    """Replace the rows of the records that were written, where their texts have changed."""
    former_ids: list[str] = []
    rows: list[SearchTextRow] = []
    for key, plan in plans.items():
        if not plan.must_write:
            continue
        before, after = _derive_text(project, key, plan.before), _derive_text(project, key, plan.after)
        if before == after:
            continue
        if after is not None:
            rows.append(after)
        elif before is not None:
            former_ids.append(before.id)
    delete_search_texts(former_ids)
    replace_search_texts(project, rows)


def _derive_text(project: Project, key: RowKey, record: StoredRecord | None) -> SearchTextRow | None:
    match record.columns if record is not None else None:
        case MessageColumns() as message:
            return derive_message_text(project, key[0], message)
        case StepColumns() as step:
            return derive_step_text(project, step)
        case RunColumns() as run if run.required_action is not None:
            return derive_pending_calls_text(project, run)
    return None
