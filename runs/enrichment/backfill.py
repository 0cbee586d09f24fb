"""What is done beside serving, every few seconds, by one process: bringing up to date what is derived.

Each piece of work is bounded and safe to repeat, so it may be stopped anywhere.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.utils import timezone

from runs.db import sql
from runs.enrichment import derived_fields, error_grouping, tool_call_validation
from runs.models import ErrorGroup, Project, Run
from runs.rollups import compaction
from runs.rollups.runs import record_run_changes

BACKFILL_BATCH_SIZE = 1000
# Rows of sums after which they are folded, few enough to be read at no cost, many enough to be worth reading all; and
# after which they are where nothing comes in.
COMPACT_AFTER_ROWS, COMPACT_AFTER_ROWS_IDLE = 10_000, 500

_UPDATE = """
    UPDATE run SET cost = assessed.cost, error_group_id = assessed.error_group_id, version = run.version + 1
      FROM unnest(%s::uuid[], %s::bigint[], %s::uuid[]) AS assessed (id, cost, error_group_id)
     WHERE run.id = assessed.id"""


@dataclass
class Backfill:
    """The work, and how far it got with each project; a new one begins again from the start."""

    _assessed: dict[int, tuple[str, uuid.UUID]] = field(default_factory=dict)
    _checked: tool_call_validation.UnvalidatedPosition | None = None
    _written: int = 0
    _folded: int = -COMPACT_AFTER_ROWS
    _tidied: int = -COMPACT_AFTER_ROWS

    def step(self) -> bool:
        """Do one bounded piece of what is due; whether there is more. Raises Django's DatabaseError."""
        projects = list(Project.objects.all())
        self._fold(projects)
        more = [self._reassess(project) for project in projects]
        return any([*more, self._check({project.pk: project for project in projects})])

    def _check(self, projects: Mapping[int, Project]) -> bool:
        """Hold the next calls against their runs' tools."""
        found = tool_call_validation.validate_next_steps(projects, self._checked)
        self._checked = found.next_position
        return found.next_position is not None and found.validated_count > 0

    def _fold(self, projects: Sequence[Project]) -> None:
        """Fold the sums when many were written since the last time, or some and then no more."""
        before, self._written = self._written, compaction.count_rollup_inserts()
        at_rest = self._written == before
        if self._written < (self._tidied + COMPACT_AFTER_ROWS_IDLE if at_rest else self._folded + COMPACT_AFTER_ROWS):
            return
        for project in projects:
            compaction.compact_rollups(project)
        if not connection.in_atomic_block:
            compaction.vacuum_rollups(is_idle=at_rest)
        self._folded = self._written = compaction.count_rollup_inserts()
        if at_rest:
            self._tidied = self._folded

    def _reassess(self, project: Project) -> bool:
        """Assess the next runs anew, if prices or the grouping changed since all of them were."""
        wanted = derived_fields.derivation_fingerprint(project)
        if project.assessed_with == wanted:
            return False
        begun, after = self._assessed.pop(project.pk, ("", None))
        last = backfill_derived_fields(project, after if begun == wanted else None)
        if last is None:
            Project.objects.record_enrichment(project, wanted)
            return False
        self._assessed[project.pk] = (wanted, last)
        return True


def backfill_derived_fields(project: Project, after: uuid.UUID | None) -> uuid.UUID | None:
    """Derive cost and error group of the next runs in the order of their keys, from behind `after` on.

    The key of the last of them, None where all are done. What came in meanwhile was assessed on its way in.
    """
    with transaction.atomic():
        runs = list(Run.objects.for_backfill(project, after)[:BACKFILL_BATCH_SIZE])
        changed = [(run, assessed) for run in runs if (assessed := _derive_fields(project, run)) is not None]
        _store_groups(project, [after for _, after in changed])
        _carry_over_decisions(changed)
        if changed:
            _update([assessed for _, assessed in changed])
            record_run_changes(project, changed)
    compaction.compact_rollups_occasionally(project)
    return runs[-1].pk if len(runs) == BACKFILL_BATCH_SIZE else None


def _derive_fields(project: Project, run: Run) -> Run | None:
    """`run` as it is to be, None where it is that already."""
    group = derived_fields.find_error_signature(run)
    key = error_grouping.make_error_group_id(project.namespace, group) if group else None
    cost = derived_fields.estimate_run_cost(project, run)
    if (run.cost, run.error_group_id) == (cost, key):
        return None
    assessed = copy.copy(run)
    assessed.cost, assessed.error_group_id = cost, key
    return assessed


def _store_groups(project: Project, runs: Sequence[Run]) -> None:
    found: dict[uuid.UUID, ErrorGroup] = {}
    for run in runs:
        group = derived_fields.find_error_signature(run)
        if group is not None and run.error_group_id is not None:
            found.setdefault(
                run.error_group_id,
                derived_fields.build_error_group(project, run.error_group_id, group, run, timezone.now()),
            )
    ErrorGroup.objects.bulk_create([found[key] for key in sorted(found)], ignore_conflicts=True)


def _carry_over_decisions(changed: Sequence[tuple[Run, Run]]) -> None:
    """What the team decided about a group holds for the one that its runs are in from now on."""
    moves = ((before.error_group_id, after.error_group_id) for before, after in changed)
    heirs = {after: before for before, after in moves if before and after and before != after}
    if heirs:
        ErrorGroup.objects.inherit_states(heirs)


def _update(runs: Sequence[Run]) -> None:
    """Their versions count up, so that a writer who read them before merges again."""
    with sql.open_cursor() as cursor:
        cursor.execute(
            _UPDATE, [[run.pk for run in runs], [run.cost for run in runs], [run.error_group_id for run in runs]]
        )
