"""Background maintenance in one process: bring derived data up to date and compact rollups.

Work is done in steps. Each is bounded and safe to repeat, so the process may be stopped at any time.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.utils import timezone

from runs.db import sql
from runs.enrichment.derived_fields import build_error_group, derivation_fingerprint, derive_run_fields
from runs.enrichment.error_grouping import ErrorSignature
from runs.enrichment.tool_call_validation import UnvalidatedPosition, validate_next_steps
from runs.models import ErrorGroup, Project, Run
from runs.rollups import compaction
from runs.rollups.runs import record_run_changes

BACKFILL_BATCH_SIZE = 1000  # runs
# Rows that are inserted into rollups before they are compacted: few enough to read quickly, and enough to be worth a
# pass over all. If nothing more is inserted, fewer rows are compacted too.
COMPACT_AFTER_ROWS, COMPACT_AFTER_ROWS_IDLE = 10_000, 500

_UPDATE = """
    UPDATE run SET cost = derived.cost, error_group_id = derived.error_group_id, version = run.version + 1
      FROM unnest(%s::uuid[], %s::bigint[], %s::uuid[]) AS derived (id, cost, error_group_id)
     WHERE run.id = derived.id"""


@dataclass
class Backfill:
    """The maintenance and its progress, which is kept in memory: a new object starts again.

    `_derived_until` has, by project, the fingerprint of the running backfill and the id of the last run.
    """

    _derived_until: dict[int, tuple[str, uuid.UUID]] = field(default_factory=dict)
    _validated_until: UnvalidatedPosition | None = None
    _inserted_rows: int = 0
    _inserted_rows_at_compaction: int = -COMPACT_AFTER_ROWS
    _inserted_rows_at_idle_compaction: int = -COMPACT_AFTER_ROWS

    def step(self) -> bool:
        """Do the next step of all work, and return whether there is more. Raises Django's DatabaseError."""
        projects = list(Project.objects.all())
        self._compact_rollups(projects)
        has_more = [self._derive_fields(project) for project in projects]
        return any([*has_more, self._validate_tool_calls({project.pk: project for project in projects})])

    def _validate_tool_calls(self, projects: Mapping[int, Project]) -> bool:
        progress = validate_next_steps(projects, self._validated_until)
        self._validated_until = progress.next_position
        return progress.next_position is not None and progress.validated_count > 0

    def _compact_rollups(self, projects: Sequence[Project]) -> None:
        """Compact rollups after many inserts, or after some if there were no more since the previous step."""
        previous, self._inserted_rows = self._inserted_rows, compaction.count_rollup_inserts()
        is_idle = self._inserted_rows == previous
        due = (
            self._inserted_rows_at_idle_compaction + COMPACT_AFTER_ROWS_IDLE
            if is_idle
            else self._inserted_rows_at_compaction + COMPACT_AFTER_ROWS
        )
        if self._inserted_rows < due:
            return
        for project in projects:
            compaction.compact_rollups(project)
        if not connection.in_atomic_block:
            compaction.vacuum_rollups(is_idle=is_idle)
        self._inserted_rows_at_compaction = self._inserted_rows = compaction.count_rollup_inserts()
        if is_idle:
            self._inserted_rows_at_idle_compaction = self._inserted_rows

    def _derive_fields(self, project: Project) -> bool:
        """Derive the fields of the next runs, if prices or the grouping algorithm have changed."""
        fingerprint = derivation_fingerprint(project)
        if project.enriched_with == fingerprint:
            return False
        started_with, after = self._derived_until.pop(project.pk, ("", None))
        last = backfill_derived_fields(project, after if started_with == fingerprint else None)
        if last is None:
            Project.objects.record_enrichment(project, fingerprint)
            return False
        self._derived_until[project.pk] = (fingerprint, last)
        return True


def backfill_derived_fields(project: Project, after: uuid.UUID | None) -> uuid.UUID | None:
    """Derive cost and error group of the next batch of runs, in the order of their ids, after the id `after`.

    Return the id of the last one, or None if there are no more. Runs that are stored meanwhile need no backfill.
    """
    changes: list[tuple[Run, Run]] = []
    signatures: dict[uuid.UUID, tuple[ErrorSignature, Run]] = {}
    with transaction.atomic():
        # 1. Find the runs whose derived fields change.
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
