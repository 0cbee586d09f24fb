"""Background maintenance: bring derived data up to date and compact rollups.

Work is done in steps. Each is bounded and safe to repeat, so the process may be stopped at any time. Each project has
its turn in every step, and what fails in one of them stops no other.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import InterfaceError, OperationalError, connection

from runs.enrichment.derived_field_backfill import backfill_derived_fields
from runs.enrichment.derived_fields import derivation_fingerprint
from runs.enrichment.search_backfill import backfill_search_texts
from runs.enrichment.search_index import index_search_texts
from runs.enrichment.search_recheck import recheck_search_texts
from runs.enrichment.step_validation import validate_next_steps
from runs.enrichment.validation_batches import UnvalidatedPosition, find_next_position
from runs.models import Project
from runs.rollups import compaction

logger = logging.getLogger(__name__)

# Rows that are inserted into rollups before they are compacted: few enough to read quickly, and enough to be worth a
# pass over all. If nothing more is inserted, fewer rows are compacted too.
COMPACT_AFTER_ROWS, COMPACT_AFTER_ROWS_IDLE = 10_000, 500
COMPACT_AFTER_SECONDS = 3600.0  # however few rows there are


@dataclass
class Maintenance:
    """The maintenance of all projects. Its progress is kept in memory: a new object starts again.

    `further_work` are functions of higher layers that do some work for a project and return whether there is more.
    """

    further_work: Sequence[Callable[[Project], bool]] = ()
    _projects: dict[int, _ProjectMaintenance] = field(default_factory=dict)
    _inserted_rows: int = 0
    _inserted_rows_at_compaction: int = -COMPACT_AFTER_ROWS
    _inserted_rows_at_idle_compaction: int = -COMPACT_AFTER_ROWS
    _uncompacted_since: float | None = None  # on the monotonic clock

    @property
    def uncompacted_rows(self) -> int:
        """Return how many rows were inserted into rollups since they were compacted."""
        return self._inserted_rows - max(self._inserted_rows_at_compaction, 0)

    @property
    def uncompacted_seconds(self) -> float:
        """Return the age of the oldest of these rows; 0 if there are none."""
        return 0.0 if self._uncompacted_since is None else time.monotonic() - self._uncompacted_since

    def step(self) -> bool:
        """Do the next step of all work, and return whether there is more. Raises Django's DatabaseError."""
        projects = list(Project.objects.all())
        self._compact_rollups(projects)
        self._projects = {project.pk: self._projects.get(project.pk, _ProjectMaintenance()) for project in projects}
        has_more = [self._projects[project.pk].step(project) for project in projects]
        has_more += [_isolate(work, project) for work in self.further_work for project in projects]
        return any(has_more)

    def _compact_rollups(self, projects: Sequence[Project]) -> None:
        """Compact rollups after many inserts, or after some if there were no more since the previous step, or late."""
        previous, self._inserted_rows = self._inserted_rows, compaction.count_rollup_inserts()
        is_idle = self._inserted_rows == previous
        due = (
            self._inserted_rows_at_idle_compaction + COMPACT_AFTER_ROWS_IDLE
            if is_idle
            else self._inserted_rows_at_compaction + COMPACT_AFTER_ROWS
        )
        if self.uncompacted_rows and self._uncompacted_since is None:
            self._uncompacted_since = time.monotonic()
        if self._inserted_rows < due and self.uncompacted_seconds < COMPACT_AFTER_SECONDS:
            return
        for project in projects:
            compaction.compact_rollups(project)
        if not connection.in_atomic_block:
            compaction.vacuum_rollups(is_idle=is_idle)
        self._inserted_rows_at_compaction = self._inserted_rows = compaction.count_rollup_inserts()
        self._uncompacted_since = None
        if is_idle:
            self._inserted_rows_at_idle_compaction = self._inserted_rows


@dataclass
class _ProjectMaintenance:
    """The progress of one project.

    `_derived_until` has the fingerprint of the running backfill and the id of the last run.
    """

    _derived_until: tuple[str, uuid.UUID] | None = None
    _validated_until: UnvalidatedPosition | None = None
    _has_failed_validation: bool = False

    def step(self, project: Project) -> bool:
        """Do the next step for `project`, and return whether there is more."""
        return any(
            [
                _isolate(self._derive_fields, project),
                _isolate(self._validate_tool_calls, project),
                _isolate(backfill_search_texts, project),
                _isolate(recheck_search_texts, project),
                _isolate(index_search_texts, project),
            ]
        )

    def _derive_fields(self, project: Project) -> bool:
        """Derive the fields of the next runs, if prices or the grouping algorithm have changed."""
        fingerprint = derivation_fingerprint(project)
        if project.enriched_with == fingerprint:
            return False
        started_with, after = self._derived_until or ("", None)
        self._derived_until = None  # a failure starts again
        last = backfill_derived_fields(project, after if started_with == fingerprint else None)
        if last is None:
            Project.objects.record_enrichment(project, fingerprint)
            return False
        self._derived_until = (fingerprint, last)
        return True

    def _validate_tool_calls(self, project: Project) -> bool:
        """Validate the calls of the next steps. After a failure, steps are taken singly, and failing ones left out."""
        after, is_single = self._validated_until, self._has_failed_validation
        self._has_failed_validation = True
        if is_single:
            self._validated_until = find_next_position(project, after)
        progress = validate_next_steps(project, after, max_steps=1 if is_single else None)
        self._validated_until, self._has_failed_validation = progress.next_position, False
        return progress.next_position is not None and progress.validated_count > 0


def _isolate(work: Callable[[Project], bool], project: Project) -> bool:
    """Do `work` for `project` and return whether there is more. A failure is logged and must not stop other work."""
    try:
        return work(project)
    except (InterfaceError, OperationalError):  # the database is away, for all projects
        raise
    except Exception:  # Posted content may be the cause, and there is no telling which exceptions it can lead to.
        logger.exception("Maintenance of project %s failed", project.slug, extra={"action": "maintenance_failed"})
        return False
