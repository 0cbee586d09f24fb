"""The history of a run: every post that was stored, and the differences between any two versions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from dashboard.ui import formats
from dashboard.ui.field_changes import FieldChange, diff_fields
from runs.models import ApiKey, PostedObservation, Run, RunStep, StepObservation, find_observations
from runs.models.record_history import RecordHistoryEntry, RecordVersion, build_history_entries, rebuild_version
from runs.protocol.timestamps import milliseconds_between

# The newest posts of the run. The REST API returns all.
MAX_POSTS = 200
# Steps, and posts of a step, that are listed. The REST API returns all.
MAX_STEPS_WITH_HISTORY = 20
MAX_POSTS_PER_STEP = 20


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """An entry of the history.

    `source` is the name of the API key, or "" for a command. `after_ms` is the time since the previous entry.
    `version_before` is the version that was current when the post arrived.
    """

    entry: RecordHistoryEntry
    source: str
    after_ms: int | None
    version_before: int | None = None

    @property
    def number(self) -> int:
        """The number of the version, from 1."""
        return self.entry.n + 1

    @property
    def number_before(self) -> int | None:
        """The number of the version that was current when the post arrived."""
        return None if self.version_before is None else self.version_before + 1

    @property
    def received(self) -> str:
        """The time of receipt, to the millisecond."""
        return formats.format_timestamp(self.entry.received_at, precise=True)


@dataclass(frozen=True, slots=True)
class RunVersionDiff:
    """Two versions of a run, or of the step with the id `step_id`, and the fields that differ."""

    step_id: str
    left: RecordVersion
    right: RecordVersion
    fields: list[FieldChange]

    @property
    def left_number(self) -> int:
        """The number of the left version, from 1."""
        return self.left.n + 1

    @property
    def right_number(self) -> int:
        """The number of the right version, from 1."""
        return self.right.n + 1


@dataclass
class HistorySection:
    """The history of `run` and its `steps`. `diff` compares two versions, if any are requested."""

    run: Run
    steps: Sequence[RunStep]
    diff: RunVersionDiff | None = None

    @cached_property
    def observations(self) -> list[PostedObservation]:
        """The newest posts after the first one, oldest first. Takes one query."""
        return list(find_observations(self.run).for_list().newest_first()[:MAX_POSTS])[::-1]

    @cached_property
    def rows(self) -> list[HistoryRow]:
        """The newest entries of the run, oldest first. What the first of many replaced is not among them."""
        entries = build_history_entries(self.run, self.observations)
        rows = _build_rows(entries, _fetch_key_names(entries))
        if not self.hidden_count:
            return rows
        _, oldest, *others = rows
        return [replace(oldest, after_ms=None, version_before=None), *others]

    @property
    def is_diff_unlisted(self) -> bool:
        """Return whether no listed row is the newer one of the versions that are compared."""
        if self.diff is None:
            return False
        step_id, n = self.diff.step_id, self.diff.right.n
        if step_id:
            return not any(step.external_id == step_id and row.entry.n == n for step, row in self.step_rows)
        return not any(row.entry.n == n for row in self.rows)

    @property
    def count(self) -> int:
        """The number of all entries of the run, the first post included."""
        return self.run.history_length + 1

    @property
    def hidden_count(self) -> int:
        """The number of entries of the run that are not listed."""
        return self.count - MAX_POSTS if self.run.history_length > MAX_POSTS else 0

    @cached_property
    def step_rows(self) -> list[tuple[RunStep, HistoryRow]]:
        """The entries after the first one of steps that were posted several times, in the order of the steps.

        Takes two queries, and one for the keys, if there are such steps.
        """
        ids = [step.external_id for step in self.steps if step.history_length][:MAX_STEPS_WITH_HISTORY]
        if not ids:
            return []
        steps = RunStep.objects.of_run(self.run).with_ids(ids).for_history().oldest_first()
        posts: dict[str, list[PostedObservation]] = defaultdict(list)
        for post in StepObservation.objects.for_list().first_of_steps(self.run, ids, MAX_POSTS_PER_STEP):
            _, step_id, _ = post.pk
            posts[step_id].append(post)
        entries = [(step, build_history_entries(step, posts[step.external_id])) for step in steps]
        key_names = _fetch_key_names(entry for _, of_step in entries for entry in of_step)
        return [(step, row) for step, of_step in entries for row in _build_rows(of_step, key_names)[1:]]


def _fetch_key_names(entries: Iterable[RecordHistoryEntry]) -> Mapping[int, str]:
    return ApiKey.objects.names_by_id(entry.key_id for entry in entries)


def _build_rows(entries: Sequence[RecordHistoryEntry], key_names: Mapping[int, str]) -> list[HistoryRow]:
    rows: list[HistoryRow] = []
    version: int | None = None
    for entry in entries:
        source = "" if entry.key_id is None else key_names.get(entry.key_id, f"key {entry.key_id}")
        after_ms = milliseconds_between(rows[-1].entry.received_at, entry.received_at) if rows else None
        rows.append(HistoryRow(entry, source, after_ms, version))
        if entry.outcome != PostedObservation.Outcome.STALE:  # A stale post never becomes the current version.
            version = entry.n
    return rows


def fetch_version_diff(run: Run, step_id: str, left: int, right: int) -> RunVersionDiff | None:
    """Compare two versions of `run`, or of one of its steps, by their numbers. Return None if one does not exist."""
    record = RunStep.objects.find_in_run(run, step_id) if step_id else run
    if record is None:
        return None
    newest_first = list(find_observations(record).needed_for_versions(left, right))
    before, after = (rebuild_version(record, newest_first, n) for n in (left, right))
    if before is None or after is None:
        return None
    return RunVersionDiff(step_id, before, after, diff_fields(before.members, after.members))
