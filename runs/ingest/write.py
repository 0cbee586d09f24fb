"""Puts parsed posts into Postgres: one read, one merge, one guarded upsert per kind, in one transaction.

No locks and no triggers. Every row is written with the version that was read before; if another writer changed
one in between, the statement's guard leaves it out, and the whole transaction is rolled back, read and merged
again. So two writers at once end as one after the other, and history and sums are exact.
"""

from __future__ import annotations

import itertools
import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
from django.db import DataError, IntegrityError, OperationalError, transaction

from runs.db import sql
from runs.db.upserts import RowKey
from runs.enrichment import derived_fields, tool_definitions
from runs.errors import TooManyRetries
from runs.ingest import metadata_values
from runs.ingest.merge import Outcome
from runs.ingest.merge_plan import MergePlan, Receipt, StoredRecord, build_merge_plan, drop_recorded_entries
from runs.ingest.record_types import RUNS, STEPS, ParsedRecord, RecordType
from runs.models import Configuration, ErrorGroup, Observation, Project, RunTag
from runs.protocol.configuration import ParsedConfiguration
from runs.protocol.run import RunColumns
from runs.protocol.step import StepColumns
from runs.rollups import compaction, tool_calls
from runs.rollups import runs as rollups
from runs.rollups.tool_calls import ToolCallValidation
from runs.rollups.writer import RollupDeltas

logger = logging.getLogger(__name__)

_MAX_ATTEMPTS = 50
_ROWS_PER_STATEMENT = 1000
_UNCHECKED = (None, None)
# A record that is posted every few seconds is not written every few seconds.
_SEEN_INTERVAL = timedelta(minutes=1)
# Both kinds of ids are hashes of different content, so that one set can hold them.
_EXISTING_IDS = """
    SELECT id FROM configuration WHERE id = ANY(%s::uuid[]) UNION ALL
    SELECT id FROM error_group WHERE id = ANY(%s::uuid[])"""
_RETRYABLE_ERRORS = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
# A value that Postgres can't take, as against a server that can't serve.
_REFUSED_VALUE_ERRORS = (psycopg.errors.ProgramLimitExceeded, psycopg.errors.InternalError_)

Batches = Mapping[RecordType, Sequence[ParsedRecord]]
Grouped = dict[RecordType, dict[RowKey, list[ParsedRecord]]]


class _ConcurrentWrite(Exception):
    """Another writer changed a row between our reading and our writing."""


class _MissingReferences(Exception):
    """Configurations and error groups must be stored before the runs that name them."""

    def __init__(self, configurations: set[uuid.UUID], groups: set[uuid.UUID]) -> None:
        self.configurations = configurations
        self.groups = groups


def write_records(project: Project, batches: Batches, receipt: Receipt) -> dict[int, Outcome]:
    """Store the posts of each kind, all in one transaction; the outcome of each by its index.

    What returns is durable. Raises TooManyRetries where other writers never let go, and Django's DatabaseError
    where the database is away or refuses a row.
    """
    grouped = _grouped(batches)
    for _ in range(_MAX_ATTEMPTS):
        try:
            return _write_once(project, grouped, receipt)
        except _MissingReferences as found:
            _store_configurations(project, grouped, found.configurations, receipt)
            _store_groups(project, grouped, found.groups, receipt)
        except (_ConcurrentWrite, IntegrityError):
            logger.debug("Merging again after another writer", extra={"action": "merge_again"})
        except OperationalError as error:
            if not isinstance(error.__cause__, _RETRYABLE_ERRORS):
                raise
            logger.info("Retrying after %s", error.__cause__, extra={"action": "retry_write"})
    raise TooManyRetries


def is_value_refused(error: Exception) -> bool:
    """Whether Postgres refused a value, so that trying its neighbours without it makes sense."""
    return isinstance(error, DataError) or isinstance(error.__cause__, _REFUSED_VALUE_ERRORS)


def _grouped(batches: Batches) -> Grouped:
    """The posts by kind and key."""
    grouped: Grouped = {}
    for kind, posts in batches.items():
        by_key: dict[RowKey, list[ParsedRecord]] = {}
        for post in posts:
            by_key.setdefault(post.key, []).append(post)
        if by_key:
            grouped[kind] = by_key
    return grouped


def _metadata(grouped: Grouped) -> Iterator[tuple[datetime, Any]]:
    """The metadata of posted runs, each with when it was created."""
    for posts in grouped.get(RUNS, {}).values():
        for post in posts:
            if isinstance(post.record, RunColumns):
                yield post.record.created_at, post.record.metadata


def _write_once(project: Project, grouped: Grouped, receipt: Receipt) -> dict[int, Outcome]:
    with transaction.atomic():
        stored = _read(grouped)
        plans = {kind: _write_kind(project, kind, stored[kind], posts, receipt) for kind, posts in grouped.items()}
        # Behind the steps: what they say of themselves proves only what they were before this request.
        if moved := _configured_anew(plans.get(RUNS, {})):
            tool_calls.invalidate_checks(project, moved)
        RunTag.objects.update_run_times(_created_anew(plans.get(RUNS, {})))
        # Last, since whoever writes the same values waits for this to end.
        metadata_values.record_metadata_values(project, _metadata(grouped))
    # Nothing depends on these, hence outside.
    compaction.compact_rollups_occasionally(project)
    for kind, each in plans.items():
        _touch(kind, [key for key, planned in each.items() if planned.is_seen_again], receipt)
    planned = itertools.chain.from_iterable(each.values() for each in plans.values())
    return {index: outcome for each in planned for index, outcome in each.outcomes.items()}


def _write_kind(
    project: Project,
    kind: RecordType,
    stored: Mapping[RowKey, StoredRecord],
    posts: Mapping[RowKey, list[ParsedRecord]],
    receipt: Receipt,
) -> dict[RowKey, MergePlan]:
    """Merge the posts of one kind into what is stored, and write what comes of it; the plans by key.

    What is new is merged, counted and put into rows one by one, while Postgres stores the rows before.
    """
    met = {key: each for key, each in posts.items() if key in stored or len(each) > 1}
    plans = _plan(kind, stored, met, receipt)
    tally, counted = _counting(kind)

    def rows(keys: Iterable[RowKey]) -> Iterator[list[Any]]:
        for key in keys:
            planned = plans[key] = plans.get(key) or build_merge_plan(kind, None, posts[key], {}, receipt)
            tally.add(counted(planned.before), counted(planned.held))
            yield _row(project, kind, key, planned, receipt)

    new = sorted(posts.keys() - stored.keys(), key=lambda key: kind.creation(posts[key][0]))
    if new and kind.table.insert(rows(new), len(new)) != len(new):
        raise _ConcurrentWrite
    changed = [key for key in stored if plans[key].writes]
    if changed and kind.table.upsert(list(rows(changed))) != len(changed):
        raise _ConcurrentWrite
    # The versions prove what was there before, so history and sums are exact.
    _store_history(plans, receipt)
    tally.write(project)
    return plans


def _counting(kind: RecordType) -> tuple[RollupDeltas[Any], Callable[[StoredRecord | None], Any]]:
    """The sums that records of that kind are counted in, and what is counted of a record."""
    if kind is RUNS:
        return rollups.new_run_deltas(), _run_of
    if kind is STEPS:
        return tool_calls.new_tool_call_deltas(), _called
    return RollupDeltas((), lambda *_: None), lambda _: None


def _called(held: StoredRecord | None) -> tool_calls.CountableCalls | None:
    """A step that calls something, which most don't."""
    if held is None or not isinstance(held.record, StepColumns) or not held.record.tool_types:
        return None
    return held.record, held.verdict


def _configured_anew(plans: Mapping[RowKey, MergePlan]) -> list[uuid.UUID]:
    """The runs that have other tools than before, against which their calls have to be held again."""
    return [
        uuid.UUID(key[0])
        for key, planned in plans.items()
        if planned.before is not None
        and planned.held is not None
        and planned.before.configuration_id != planned.held.configuration_id
    ]


def _created_anew(plans: Mapping[RowKey, MergePlan]) -> dict[uuid.UUID, datetime]:
    """The runs that now say another time of their creation than before, and that time."""
    return {
        uuid.UUID(key[0]): planned.held.record.created_at
        for key, planned in plans.items()
        if planned.before is not None
        and planned.held is not None
        and isinstance(planned.before.record, RunColumns)
        and isinstance(planned.held.record, RunColumns)
        and planned.before.record.created_at != planned.held.record.created_at
    }


def _run_of(held: StoredRecord | None) -> rollups.CountableRun | None:
    return held.record if held is not None and isinstance(held.record, RunColumns) else None


def _read(grouped: Grouped) -> dict[RecordType, dict[RowKey, StoredRecord]]:
    """What is stored under the posts' keys, in one round trip. Raises _Missing."""
    runs = [post for posts in grouped.get(RUNS, {}).values() for post in posts]
    configurations = {post.configuration_id for post in runs if post.configuration_id is not None}
    groups = {key for post in runs if (key := _group_key(post)) is not None}
    with sql.open_cursor() as cursor:
        with sql.pipeline():
            fetches = {kind: kind.table.read(posts) for kind, posts in grouped.items()}
            ids = [sql.format_array(each.hex for each in wanted) for wanted in (configurations, groups)]
            cursor.execute(_EXISTING_IDS, ids, prepare=True)
        known = {row[0] for row in cursor.fetchall()}
        rows = {kind: fetch() for kind, fetch in fetches.items()}
    if not known >= configurations | groups:
        raise _MissingReferences(configurations - known, groups - known)
    return {kind: {key: _held(kind, row) for key, row in found.items()} for kind, found in rows.items()}


def _store_configurations(project: Project, grouped: Grouped, wanted: set[uuid.UUID], receipt: Receipt) -> None:
    """Store them sorted, in a transaction of their own: within the runs' one, two writers would deadlock."""
    found: dict[uuid.UUID, Configuration] = {}
    since: dict[uuid.UUID, datetime] = {}
    for posts in grouped[RUNS].values():
        for post in posts:
            pk, parsed, record = post.configuration_id, post.configuration, post.record
            if pk is not None and pk in wanted and parsed is not None and isinstance(record, RunColumns):
                found[pk] = found.get(pk) or _configuration(project, pk, record.assistant_id, parsed, receipt)
                since[pk] = min(record.created_at, since.get(pk, record.created_at))
    with transaction.atomic():
        Configuration.objects.bulk_create([found[pk] for pk in sorted(found)], ignore_conflicts=True)
        tool_definitions.store_tool_definitions(found.values(), since)


def _store_groups(project: Project, grouped: Grouped, wanted: set[uuid.UUID], receipt: Receipt) -> None:
    """Like configurations: sorted, and not within the transaction of the runs."""
    found: dict[uuid.UUID, ErrorGroup] = {}
    for posts in grouped[RUNS].values():
        for post in posts:
            pk = _group_key(post)
            if pk in wanted and pk not in found and post.group is not None and isinstance(post.record, RunColumns):
                found[pk] = derived_fields.build_error_group(project, pk, post.group, post.record, receipt.at)
    if found:
        ErrorGroup.objects.bulk_create([found[pk] for pk in sorted(found)], ignore_conflicts=True)


def _group_key(post: ParsedRecord) -> uuid.UUID | None:
    return post.record.error_group_id if isinstance(post.record, RunColumns) else None


def _configuration(
    project: Project, pk: uuid.UUID, assistant_id: str, parsed: ParsedConfiguration, receipt: Receipt
) -> Configuration:
    return Configuration(
        id=pk,
        project=project,
        assistant_id=assistant_id,
        body=parsed.body,
        model=parsed.model,
        instructions=parsed.instructions,
        tool_types=list(parsed.tool_types),
        function_names=list(parsed.function_names),
        first_seen_at=receipt.at,
    )


def _plan(
    kind: RecordType,
    stored: Mapping[RowKey, StoredRecord],
    posts: Mapping[RowKey, list[ParsedRecord]],
    receipt: Receipt,
) -> dict[RowKey, MergePlan]:
    bodies = _bodies(stored, posts)
    plans = {key: build_merge_plan(kind, stored.get(key), each, bodies, receipt) for key, each in posts.items()}
    recorded = _recorded(plans)
    for key, planned in plans.items():
        drop_recorded_entries(planned, recorded[key])
    return plans


def _held(kind: RecordType, row: dict[str, Any]) -> StoredRecord:
    return StoredRecord(
        kind.record(**{name: row[name] for name in kind.record.__struct_fields__}),
        row.get("configuration_id"),
        row["version"],
        row["received_at"],
        row.get("received_key_id"),
        row.get("history_length", 0),
        ToolCallValidation(row["misargued"], row["tool_outputs"]) if row.get("misargued") is not None else None,
    )


def _bodies(stored: Mapping[RowKey, StoredRecord], posts: Mapping[RowKey, list[ParsedRecord]]) -> dict[uuid.UUID, str]:
    """The texts of the configurations in which a stored run differs from a posted one, or two posted ones do."""
    posted = {
        post.configuration_id: post.configuration.body
        for each in posts.values()
        for post in each
        if post.configuration_id is not None and post.configuration is not None
    }
    wanted = {
        held.configuration_id
        for key, held in stored.items()
        if held.configuration_id is not None
        and any(post.configuration_id != held.configuration_id for post in posts[key])
    }
    missing = wanted - posted.keys()
    found = dict(Configuration.objects.filter(pk__in=missing).values_list("pk", "body")) if missing else {}
    return posted | found


def _recorded(plans: Mapping[RowKey, MergePlan]) -> defaultdict[RowKey, set[int]]:
    """The digests that the history of those runs already has which would get a stale entry."""
    late = {
        key[0]: key
        for key, planned in plans.items()
        if planned.before is not None and any(entry.outcome is Outcome.STALE for entry in planned.entries)
    }
    recorded: defaultdict[RowKey, set[int]] = defaultdict(set)
    if late:
        for run_id, digest in Observation.objects.filter(run_id__in=late).values_list("run_id", "digest"):
            recorded[late[run_id.hex]].add(digest)
    return recorded


def _row(project: Project, kind: RecordType, key: RowKey, planned: MergePlan, receipt: Receipt) -> list[Any]:
    held = planned.held
    assert held is not None  # noqa: S101 - a plan that writes has what it writes
    receipt_columns = (held.version, held.received_at, receipt.at)
    if kind is RUNS:
        own = (held.configuration_id, *receipt_columns, held.received_key_id, held.history_length)
        return [*key, project.pk, *kind.contents(held.record), *own]
    if kind is STEPS:
        return [*key, project.pk, *kind.contents(held.record), *(held.verdict or _UNCHECKED), *receipt_columns]
    return [*key, project.pk, *kind.contents(held.record), *receipt_columns]


def _store_history(plans: Mapping[RowKey, MergePlan], receipt: Receipt) -> None:
    observations = []
    for key, planned in plans.items():
        first = planned.before.history_length + 1 if planned.before else 1
        for n, entry in enumerate(planned.entries, first):
            observations.append(
                Observation(
                    run_id=key[0],
                    n=n,
                    outcome=entry.outcome,
                    received_at=receipt.at,
                    received_key_id=receipt.key_id,
                    status_before=entry.status_before,
                    status_after=entry.status_after,
                    changed=entry.changed,
                    other=entry.other,
                    conflict=entry.conflict,
                    digest=entry.digest,
                )
            )
    Observation.objects.bulk_create(observations, batch_size=_ROWS_PER_STATEMENT)


def _touch(kind: RecordType, keys: Sequence[RowKey], receipt: Receipt) -> None:
    """Note that records were received again, if that was not noted just before."""
    if not keys:
        return
    due = receipt.at - _SEEN_INTERVAL
    # of a two-part key each part for itself: step ids do not repeat between runs
    parts = {f"{name}__in": {key[place] for key in keys} for place, name in enumerate(kind.key)}
    try:
        with transaction.atomic():
            kind.model._default_manager.filter(**parts, seen_at__lt=due).update(seen_at=receipt.at)
    except OperationalError as error:
        if not isinstance(error.__cause__, _RETRYABLE_ERRORS):
            raise
        logger.info("Skipped noting %d records as seen", len(keys), extra={"action": "skip_touch"})
