"""The backfill of the derived fields of stored runs, when prices or the grouping algorithm have changed."""

from __future__ import annotations

import copy
import uuid

from django.db import transaction
from django.utils import timezone

from runs.db import sql
from runs.db.project_locks import lock_records_shared
from runs.enrichment.derived_fields import build_error_group, derive_run_fields
from runs.enrichment.error_grouping import ErrorSignature
from runs.models import ErrorGroup, Project, Run
from runs.rollups import compaction
from runs.rollups.runs import record_run_changes

BACKFILL_BATCH_SIZE = 1000  # runs

_UPDATE = """
    UPDATE run SET cost = derived.cost, error_group_id = derived.error_group_id, version = run.version + 1
      FROM unnest(%s::uuid[], %s::bigint[], %s::uuid[]) AS derived (id, cost, error_group_id)
     WHERE run.id = derived.id"""


def backfill_derived_fields(project: Project, after: uuid.UUID | None) -> uuid.UUID | None:
    """Derive cost and error group of the next batch of runs, in the order of their ids, after the id `after`.

    Return the id of the last one, or None if there are no more. Runs that are stored meanwhile need no backfill.
    """
    changes: list[tuple[Run, Run]] = []
    signatures: dict[uuid.UUID, tuple[ErrorSignature, Run]] = {}
    with transaction.atomic():
        # 1. Find the runs whose derived fields change. Their error groups stay until the transaction ends.
        lock_records_shared(project.pk)
        runs = list(Run.objects.for_backfill(project, after)[:BACKFILL_BATCH_SIZE])
        for run in runs:
            derived = derive_run_fields(project, run)
            if (run.cost, run.error_group_id) == (derived.cost, derived.error_group_id):
                continue
            changed = copy.copy(run)
            changed.cost, changed.error_group_id = derived.cost, derived.error_group_id
            changes.append((run, changed))
            if derived.error_group_id is not None and derived.error_signature is not None:
                signatures.setdefault(derived.error_group_id, (derived.error_signature, changed))

        # 2. Store new error groups in the order of their ids, as all writers do.
        now = timezone.now()
        groups = (
            build_error_group(project, group_id, signature, run, now)
            for group_id, (signature, run) in sorted(signatures.items(), key=lambda item: item[0])
        )
        ErrorGroup.objects.bulk_create(groups, ignore_conflicts=True)

        # 3. Copy the states that the team gave to the old groups to the new ones.
        moves = ((before.error_group_id, run.error_group_id) for before, run in changes)
        predecessors = {new: old for old, new in moves if old and new and old != new}
        if predecessors:
            ErrorGroup.objects.inherit_states(predecessors)

        # 4. Write the runs and the rollups. The new versions make concurrent writers merge again.
        if changes:
            changed_runs = [run for _, run in changes]
            with sql.open_cursor() as cursor:
                columns = ("pk", "cost", "error_group_id")
                cursor.execute(_UPDATE, [[getattr(run, column) for run in changed_runs] for column in columns])
            record_run_changes(project, changes)
    compaction.compact_rollups_occasionally(project)
    return runs[-1].pk if len(runs) == BACKFILL_BATCH_SIZE else None
