"""Deleting the runs that are older, or more, than the retention policies of a project allow.

The maintenance process calls `apply_retention` until a round is complete, and begins a new round every hour. Runs that
are posted again after their deletion are accepted, and deleted again by the next round.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from runs.db.keyset_pagination import NEWEST_FIRST
from runs.db.project_locks import lock_records_exclusively
from runs.errors import TooManyRetries
from runs.models import AuditEvent, Project, RetentionPolicy, Run, User
from runs.query import RunFilters
from runs.query.order import parse_cursor
from runs.query.relative_times import EARLIEST_TIME
from runs.team.deletion import delete_runs

MAX_AGE_DAYS = 36_500
MAX_KEPT_RUNS = 1_000_000_000
ROUND_INTERVAL = timedelta(hours=1)
MAX_COUNTED_RUNS = 100_000  # of a preview
ACTOR = "retention"  # of audit events
# Posts to the project wait for a batch. Most of its time goes into a fixed number of statements, so that smaller
# batches than these would hardly be faster.
MAX_BATCH_SECONDS = 0.1
MIN_BATCH_SIZE, MAX_BATCH_SIZE = 20, 200
_SECONDS_PER_STEP = 1.0  # so that other maintenance has its turn
_KIND_TERM = {
    RetentionPolicy.Kind.UNSUCCESSFUL: "status:failed,incomplete,expired",
    RetentionPolicy.Kind.OTHER: "-status:failed,incomplete,expired",
}


@dataclass(frozen=True, slots=True)
class RetentionLimits:
    """The limits of one kind of runs; None stands for no limit."""

    max_age_days: int | None = None
    max_runs: int | None = None


@dataclass(frozen=True, slots=True)
class RetentionPreview:
    """What a round would delete now: the runs that match `filters`.

    `count` is exact up to `MAX_COUNTED_RUNS`, and more than that stands for any larger number.
    """

    filters: RunFilters
    count: int
    oldest_at: datetime | None
    newest_at: datetime | None


def preview_retention(project: Project, kind: str, limits: RetentionLimits) -> RetentionPreview | None:
    """Return what would be deleted now; None if nothing."""
    cutoff = find_cutoff(project, kind, limits, timezone.now())
    filters = _build_filters(kind, cutoff)
    runs = filters.apply(Run.objects.in_project(project))
    newest_at = runs.newest_first().values_list("created_at", flat=True).first()
    if newest_at is None:
        return None
    return RetentionPreview(filters, runs.count_at_most(MAX_COUNTED_RUNS), runs.oldest_created_at(), newest_at)


def find_cutoff(project: Project, kind: str, limits: RetentionLimits, now: datetime) -> datetime:
    """Return the time before which runs are too old or too many; `EARLIEST_TIME` if none are.

    Runs of the same second are kept or deleted together, so a few more than `max_runs` may be kept.
    """
    cutoff = EARLIEST_TIME
    if limits.max_age_days is not None:
        cutoff = max(cutoff, now - timedelta(days=limits.max_age_days))
    if limits.max_runs is not None:
        runs = Run.objects.in_project(project).filter(_build_filters(kind).build_condition(project, now))
        times = runs.newest_first().values_list("created_at", flat=True)
        oldest_kept = times[limits.max_runs - 1 : limits.max_runs].first()
        cutoff = max(cutoff, oldest_kept or EARLIEST_TIME)
    return cutoff.replace(microsecond=0)


def set_retention(project: Project, user: User, address: str, limits: Mapping[str, RetentionLimits]) -> bool:
    """Set the limits of each kind of runs and record it, and return whether any has changed. A new round begins."""
    is_changed = False
    with transaction.atomic():
        for kind, wanted in limits.items():
            policy, _ = RetentionPolicy.objects.get_or_create(project=project, kind=kind)
            policy = RetentionPolicy.objects.select_for_update(of=("self",)).get(pk=policy.pk)
            before = policy.describe_limits()
            policy.max_age_days, policy.max_runs = wanted.max_age_days, wanted.max_runs
            if (after := policy.describe_limits()) == before:
                continue
            is_changed = True
            if policy.round_cutoff is not None:
                _end_round(policy, timezone.now())
            policy.next_round_at = timezone.now()
            policy.save()
            action = f"changed the retention of {policy.get_kind_display().lower()} from {before} to {after}"
            AuditEvent.objects.record(project, user, action, address=address)
    return is_changed


class RetentionWorker:
    """Applies the policies, in batches whose size follows the time that they take."""

    def __init__(self) -> None:
        """Begin with small batches."""
        self._batch_size = MIN_BATCH_SIZE

    def apply_retention(self, project: Project) -> bool:
        """Delete the next runs of `project` for about a second, and return whether there are more.

        A batch that writers delay is repeated later. Raises Django's DatabaseError.
        """
        deadline = time.monotonic() + _SECONDS_PER_STEP
        try:
            while self._do_batch(project):
                if time.monotonic() > deadline:
                    return True
        except TooManyRetries:
            pass
        return False

    def _do_batch(self, project: Project) -> bool:
        """Begin a round, or delete its next batch; return whether there is more to do."""
        with transaction.atomic():
            now = timezone.now()
            policies = RetentionPolicy.objects.in_project(project).due(now)
            policy = policies.lock_unlocked().first()
            if policy is None:
                return False
            policy.project = project
            if policy.round_cutoff is None:
                limits = RetentionLimits(policy.max_age_days, policy.max_runs)
                policy.round_cutoff = find_cutoff(project, policy.kind, limits, now)
            seconds = self._delete_next_runs(policy)
            policy.save()
        # Posts that have waited have their turn.
        time.sleep(seconds)
        return True

    def _delete_next_runs(self, policy: RetentionPolicy) -> float:
        """Delete the next batch, or end the round. Return the seconds that deletion took."""
        runs = _fetch_next_runs(policy, self._batch_size)
        if not runs:
            _end_round(policy, timezone.now())
            return 0.0
        lock_records_exclusively(policy.project.pk)  # here, so that the wait for writers is not part of the time
        started = time.monotonic()
        delete_runs(policy.project, [run.external_id for run in runs], _leave_out)
        policy.round_deleted += len(runs)
        policy.round_cursor = str(NEWEST_FIRST.cursor_at(runs[-1]))
        seconds = time.monotonic() - started
        self._batch_size = _choose_batch_size(self._batch_size, seconds)
        return seconds


def _choose_batch_size(size: int, seconds: float) -> int:
    """Return the size of the batch after one that took so long."""
    if seconds > MAX_BATCH_SECONDS * 0.7:
        return max(MIN_BATCH_SIZE, size // 2)
    return min(MAX_BATCH_SIZE, size + 5) if seconds < MAX_BATCH_SECONDS / 2 else size


def _fetch_next_runs(policy: RetentionPolicy, size: int) -> list[Run]:
    plan = _build_filters(policy.kind, policy.round_cutoff).plan(policy.project)
    after = parse_cursor(policy.round_cursor) if policy.round_cursor else None
    return plan.fetch_page(Run.objects.in_project(policy.project).for_list(), NEWEST_FIRST, after, size)


def _end_round(policy: RetentionPolicy, now: datetime) -> None:
    """End the round, and record how many runs it deleted."""
    policy.last_round_at, policy.last_deleted = now, policy.round_deleted
    policy.next_round_at = now + ROUND_INTERVAL
    if policy.round_deleted:
        runs = _build_filters(policy.kind, policy.round_cutoff).describe()
        action = f"deleted {policy.round_deleted:,} of {runs}"
        AuditEvent.objects.record(policy.project, ACTOR, action, category=AuditEvent.Category.DELETION)
    policy.round_cutoff, policy.round_cursor, policy.round_deleted = None, "", 0


def _build_filters(kind: str, cutoff: datetime | None = None) -> RunFilters:
    """Return filters for the runs of a kind, or for those of them that were created before `cutoff`."""
    text = _KIND_TERM[RetentionPolicy.Kind(kind)]
    if cutoff is not None:
        text += f" created:<{cutoff.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return RunFilters.parse_query_text(text)


def _leave_out(_: str) -> None:
    """Record no event for a single run. The end of the round records their number."""
