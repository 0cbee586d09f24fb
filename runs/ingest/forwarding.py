"""Queue what a transaction has changed for the forwarder, within that transaction. Without targets, this does nothing.

Runs of traces are not queued: their spans are, when they are stored.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from django.conf import settings

from runs.db.upserts import RowKey
from runs.ingest.merge import MergePlan, Receipt
from runs.ingest.record_types import MESSAGES, RUNS, STEPS, RecordType
from runs.models import ForwardItem, Project, RunSource
from runs.models.run import ACTIVE_STATUSES
from runs.protocol.message import MessageColumns
from runs.protocol.run import RunColumns

TypePlans = Mapping[RecordType, Mapping[RowKey, MergePlan]]


def queue_changed_runs(project: Project, plans: TypePlans, receipt: Receipt) -> None:
    """Queue the runs that have ended and changed, or of which a step or a message has changed."""
    if not settings.OTLP_FORWARD_TARGETS or receipt.source == RunSource.OTEL:
        return
    run_keys = {key[0] for key, plan in plans.get(STEPS, {}).items() if plan.must_write}
    run_keys |= {key[0] for key, plan in plans.get(RUNS, {}).items() if plan.must_write and _has_ended(plan)}
    message_keys = set()
    for key, plan in plans.get(MESSAGES, {}).items():
        columns = plan.after.columns if plan.must_write and plan.after is not None else None
        if not isinstance(columns, MessageColumns):
            continue
        if columns.run_external_id is not None:
            run_keys.add(project.record_id_hex(columns.run_external_id))
        else:
            message_keys.add(key[0])
    if run_keys or message_keys:
        ForwardItem.objects.queue_runs(project, get_target_urls(), run_keys, message_keys, receipt.at)


def queue_changed_spans(project: Project, span_ids: Mapping[uuid.UUID, Sequence[str]], receipt: Receipt) -> None:
    """Queue spans that are new or have changed, given by the stored id of their trace."""
    if settings.OTLP_FORWARD_TARGETS and span_ids:
        ForwardItem.objects.queue_spans(project, get_target_urls(), span_ids, receipt.at)


def get_target_urls() -> list[str]:
    """Return the URLs of the targets."""
    return [target.url for target in settings.OTLP_FORWARD_TARGETS]


def _has_ended(plan: MergePlan) -> bool:
    columns = None if plan.after is None else plan.after.columns
    return isinstance(columns, RunColumns) and columns.status not in ACTIVE_STATUSES
