"""The write path of ingest: parsed records are merged with the stored ones and written in one transaction.

Writers do not wait for each other, and there are no triggers. Each row is written with its next version, and only over
the version that was read. If another writer changed it in between, the transaction is rolled back, and the records are
read and merged again. So concurrent writers end in the same state as successive ones, and history and rollups are
exact.
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
from django.conf import settings
from django.db import DataError, IntegrityError, OperationalError, transaction

from runs.db import sql
from runs.db.disk_space import disk_space_for_writes
from runs.db.project_locks import lock_records_shared
from runs.db.query_time_limit import limit_statement_time
from runs.db.retryable_errors import is_retryable
from runs.db.upserts import RowKey
from runs.enrichment import derived_fields, tool_definitions
from runs.errors import TooManyRetries
from runs.ingest import metadata_values
from runs.ingest.forwarding import queue_changed_runs
from runs.ingest.merge import MergePlan, Outcome, Receipt, StoredRecord, build_merge_plan, drop_recorded_entries
from runs.ingest.record_types import MESSAGES, RUNS, STEPS, ParsedRecord, RecordType
from runs.ingest.search_texts import write_search_texts
from runs.models import Configuration, ErrorGroup, Project, Run, RunReview, RunSource, RunTag
from runs.protocol.run import RunColumns
from runs.protocol.step import StepColumns
from runs.rollups import compaction
from runs.rollups.runs import CountableRun, new_run_deltas
from runs.rollups.tool_calls import CountableCalls, ToolCallValidation, invalidate_checks, new_tool_call_deltas
from runs.rollups.writer import RollupDeltas

logger = logging.getLogger(__name__)

_MAX_ATTEMPTS = 50
_ROWS_PER_STATEMENT = 1000
_NOT_VALIDATED = (None, None)
# A record that is posted every few seconds is not marked as seen every few seconds.
_SEEN_INTERVAL = timedelta(minutes=1)
# The ids of both tables are hashes of different content, so one set can hold them.
_EXISTING_IDS = """
    SELECT id FROM configuration WHERE id = ANY(%s::uuid[]) UNION ALL
    SELECT id FROM error_group WHERE id = ANY(%s::uuid[])"""
# Errors about a value, unlike those of a server that is not available.
_REFUSED_VALUE_ERRORS = (psycopg.errors.ProgramLimitExceeded, psycopg.errors.InternalError_)

Batches = Mapping[RecordType, Sequence[ParsedRecord]]
GroupedRecords = dict[RecordType, dict[RowKey, list[ParsedRecord]]]
MergePlans = dict[RowKey, MergePlan]


class _ConcurrentWrite(Exception):
    """Another writer changed a row after it was read."""


class ForeignSource(Exception):
    """Records have the keys of runs of another source, or belong to such runs. `sources` has these by key."""

    def __init__(self, sources: dict[RecordType, dict[RowKey, RunSource]]) -> None:
        self.sources = sources


class _MissingReferences(Exception):
    """Runs refer to configurations and error groups that are not stored yet."""

    def __init__(self, configuration_ids: set[uuid.UUID], error_group_ids: set[uuid.UUID]) -> None:
        self.configuration_ids = configuration_ids
        self.error_group_ids = error_group_ids


def write_records(project: Project, batches: Batches, receipt: Receipt) -> dict[int, Outcome]:
    """Store records of all types in one transaction, and return the outcome of each by its index in the body.

    The records are durable when this returns, unless the caller has begun a transaction. Raises ForeignSource,
    TooManyRetries if concurrent writers keep changing the same rows, DiskFull, and Django's DatabaseError if the
    database is not available or refuses a value.
    """
    grouped: GroupedRecords = {}
    for record_type, records in batches.items():
        by_key: dict[RowKey, list[ParsedRecord]] = {}
        for record in records:
            by_key.setdefault(record.key, []).append(record)
        if by_key:
            grouped[record_type] = by_key

    for _ in range(_MAX_ATTEMPTS):
        try:
            with disk_space_for_writes():
                return _write_once(project, grouped, receipt)
        except _MissingReferences as missing:
            _store_configurations(project, grouped, missing.configuration_ids, receipt)
            _store_error_groups(project, grouped, missing.error_group_ids, receipt)
        except _ConcurrentWrite:
            logger.debug("Merging again after a concurrent write", extra={"action": "merge_again"})
        except (IntegrityError, OperationalError) as error:
            if not is_retryable(error):
                raise
            logger.info("Retrying after %s", error.__cause__, extra={"action": "retry_write"})
    raise TooManyRetries


def is_value_refused(error: Exception) -> bool:
    """Return whether Postgres refused a value, so that the other records can be stored without it."""
    return isinstance(error, DataError) or isinstance(error.__cause__, _REFUSED_VALUE_ERRORS)


def _write_once(project: Project, grouped: GroupedRecords, receipt: Receipt) -> dict[int, Outcome]:
    with transaction.atomic():
        # 1. Read the rows that are stored under the records' keys. Each source only writes its own runs.
        stored, deletion_count, derived_run_ids = _read_stored(project, grouped, receipt)
        _check_sources(grouped, stored, derived_run_ids, receipt)

        # 2. Merge and write the records of each type.
        plans = {
            record_type: _write_type(project, record_type, stored[record_type], records, receipt)
            for record_type, records in grouped.items()
        }

        # 3. Tool calls that were validated against other tools must be validated again. This follows the writing of
        #    steps, because it changes the version of their rows.
        run_plans = plans.get(RUNS, {})
        if reconfigured := _find_reconfigured_runs(run_plans):
            invalidate_checks(project, reconfigured)

        # 4. Tags and reviews have a copy of their run's created_at.
        if created_at := _find_new_creation_times(run_plans):
            RunTag.objects.update_run_times(created_at)
            RunReview.objects.update_run_times(created_at)

        # 5. Queue what the forwarder has to send.
        queue_changed_runs(project, plans, receipt)

        # 6. Record the values of metadata. This comes last, because other writers of the same values wait from here
        #    until the transaction ends.
        run_columns = (record.columns for record in itertools.chain.from_iterable(grouped.get(RUNS, {}).values()))
        metadata_values.record_metadata_values(
            project,
            ((run.created_at, run.metadata) for run in run_columns if isinstance(run, RunColumns)),
            deletion_count,
        )

    # 7. Compact rollups, and mark records as seen. Nothing depends on it, so it happens after the transaction. Derived
    #    records are written within the transaction of their objects.
    if not receipt.is_derived:
        compaction.compact_rollups_occasionally(project)
        for record_type, type_plans in plans.items():
            _mark_as_seen(record_type, [key for key, plan in type_plans.items() if plan.is_only_seen], receipt)
    return {
        index: outcome
        for type_plans in plans.values()
        for plan in type_plans.values()
        for index, outcome in plan.outcomes.items()
    }


def _write_type(
    project: Project,
    record_type: RecordType,
    stored: Mapping[RowKey, StoredRecord],
    records: Mapping[RowKey, list[ParsedRecord]],
    receipt: Receipt,
) -> MergePlans:
    """Merge the records of one type with the stored ones and write the result. Raises _ConcurrentWrite."""
    # 1. Merge the records that are stored already or posted several times.
    plans = _merge_with_stored(
        record_type,
        stored,
        {key: same_key for key, same_key in records.items() if key in stored or len(same_key) > 1},
        receipt,
    )
    deltas, to_countable = _new_deltas(record_type)

    def build_rows(keys: Iterable[RowKey]) -> Iterator[list[Any]]:
        for key in keys:
            plan = plans[key] = plans.get(key) or build_merge_plan(record_type, None, records[key], {}, receipt)
            deltas.add(to_countable(plan.before), to_countable(plan.after))
            yield _build_row(project, record_type, key, plan, receipt)

    # 2. Insert the new ones. Each is merged, counted and converted while Postgres stores those before it.
    new = sorted(records.keys() - stored.keys(), key=lambda key: record_type.get_insert_order(records[key][0]))
    if new and record_type.table.insert(build_rows(new), len(new)) != len(new):
        raise _ConcurrentWrite

    # 3. Update the changed ones, if their versions are still those that were read.
    changed = [key for key in stored if plans[key].must_write]
    if changed and record_type.table.upsert(list(build_rows(changed))) != len(changed):
        raise _ConcurrentWrite

    # 4. Write history, rollups and searched texts. The checks of versions make them exact.
    _store_history(record_type, plans, receipt)
    deltas.write(project)
    if record_type in (RUNS, STEPS, MESSAGES):
        write_search_texts(project, plans)
    return plans


# Reading and merging


def _read_stored(
    project: Project, grouped: GroupedRecords, receipt: Receipt
) -> tuple[dict[RecordType, dict[RowKey, StoredRecord]], int, dict[str, RunSource]]:
    """Return the stored records, the project's number of deletions, and the source of each derived run with steps.

    All are read in one round trip, for steps of derived runs only if they are posted.

    What is read, and what it refers to, stays until the transaction ends. Raises _MissingReferences.
    """
    runs = [record for records in grouped.get(RUNS, {}).values() for record in records]
    configuration_ids = {record.configuration_id for record in runs if record.configuration_id is not None}
    error_group_ids = {group_id for record in runs if (group_id := _error_group_id(record)) is not None}
    step_run_ids = set() if receipt.is_derived else {run_id for run_id, _ in grouped.get(STEPS, {})}
    with sql.open_cursor() as cursor:
        with sql.pipeline():
            limit_statement_time(settings.WRITE_TIMEOUT_SECONDS)
            fetch_deletion_count = lock_records_shared(project.pk)
            fetches = {record_type: record_type.table.read(records) for record_type, records in grouped.items()}
            fetch_sources = Run.objects.read_derived_sources(step_run_ids) if step_run_ids else dict
            params = [sql.format_array(pk.hex for pk in ids) for ids in (configuration_ids, error_group_ids)]
            cursor.execute(_EXISTING_IDS, params, prepare=True)
        existing = {row[0] for row in cursor.fetchall()}
        rows = {record_type: fetch() for record_type, fetch in fetches.items()}
        deletion_count, derived_run_ids = fetch_deletion_count(), fetch_sources()
    if not existing >= configuration_ids | error_group_ids:
        raise _MissingReferences(configuration_ids - existing, error_group_ids - existing)
    stored = {
        record_type: {key: _to_stored_record(record_type, row) for key, row in by_key.items()}
        for record_type, by_key in rows.items()
    }
    return stored, deletion_count, derived_run_ids


def _check_sources(
    grouped: GroupedRecords,
    stored: Mapping[RecordType, Mapping[RowKey, StoredRecord]],
    derived_run_ids: Mapping[str, RunSource],
    receipt: Receipt,
) -> None:
    """Raise ForeignSource if any record would overwrite a run of another source, or add a step to a derived one."""
    runs = {
        key: RunSource(record.columns.source)
        for key, record in stored.get(RUNS, {}).items()
        if isinstance(record.columns, RunColumns) and record.columns.source != receipt.source
    }
    steps = {key: derived_run_ids[key[0]] for key in grouped.get(STEPS, {}) if key[0] in derived_run_ids}
    if runs or steps:
        raise ForeignSource({RUNS: runs, STEPS: steps})


def _to_stored_record(record_type: RecordType, row: dict[str, Any]) -> StoredRecord:
    columns_type = record_type.columns_type
    return StoredRecord(
        columns=columns_type(**{name: row[name] for name in columns_type.__struct_fields__}),
        configuration_id=row.get("configuration_id"),
        version=row["version"],
        received_at=row["received_at"],
        received_key_id=row.get("received_key_id"),
        history_length=row.get("history_length", 0),
        validation=(
            ToolCallValidation(row["invalid_calls"], row["tool_outputs"])
            if row.get("invalid_calls") is not None
            else None
        ),
    )


def _merge_with_stored(
    record_type: RecordType,
    stored: Mapping[RowKey, StoredRecord],
    records: Mapping[RowKey, list[ParsedRecord]],
    receipt: Receipt,
) -> MergePlans:
    bodies = _fetch_differing_configurations(stored, records)
    plans = {
        key: build_merge_plan(record_type, stored.get(key), same_key, bodies, receipt)
        for key, same_key in records.items()
    }
    # A stale post is recorded once, however often it arrives.
    keys = [
        key
        for key, plan in plans.items()
        if plan.before is not None and any(entry.outcome is Outcome.STALE for entry in plan.history)
    ]
    recorded_digests = _fetch_recorded_digests(record_type, keys)
    for key, plan in plans.items():
        drop_recorded_entries(plan, recorded_digests[key])
    return plans


def _fetch_recorded_digests(record_type: RecordType, keys: Sequence[RowKey]) -> defaultdict[RowKey, set[int]]:
    """Return the digests in the history of the records with those keys, and possibly of others, by key."""
    recorded_digests: defaultdict[RowKey, set[int]] = defaultdict(set)
    if keys and (model := record_type.observation_model):
        # The parts of a key are matched separately: ids of steps do not repeat between runs.
        lookups = {f"{name}__in": {key[position] for key in keys} for position, name in enumerate(model.RECORD_KEY)}
        rows = model._default_manager.filter(**lookups).values_list(*model.RECORD_KEY, "digest")
        for record_id, *others, digest in rows:
            recorded_digests[record_id.hex, *others].add(digest)
    return recorded_digests


def _fetch_differing_configurations(
    stored: Mapping[RowKey, StoredRecord], records: Mapping[RowKey, list[ParsedRecord]]
) -> dict[uuid.UUID, str]:
    """Return the bodies of all posted configurations, and of stored ones that differ from those posted."""
    posted = {
        record.configuration_id: record.configuration.body
        for same_key in records.values()
        for record in same_key
        if record.configuration_id is not None and record.configuration is not None
    }
    differing = {
        current.configuration_id
        for key, current in stored.items()
        if current.configuration_id is not None
        and any(record.configuration_id != current.configuration_id for record in records[key])
    }
    missing = differing - posted.keys()
    fetched = dict(Configuration.objects.filter(pk__in=missing).values_list("pk", "body")) if missing else {}
    return posted | fetched


# Writing


def _build_row(project: Project, record_type: RecordType, key: RowKey, plan: MergePlan, receipt: Receipt) -> list[Any]:
    """Return the values of all columns of the record type's table."""
    record = plan.after
    assert record is not None  # noqa: S101 - a plan that must be written has a result
    content = record_type.get_content(record.columns)
    receipt_columns: tuple[Any, ...] = (record.version, record.received_at, receipt.at)
    if record_type.observation_model is not None:
        receipt_columns += (record.received_key_id, record.history_length)
    if record_type is RUNS:
        return [*key, project.pk, *content, record.configuration_id, *receipt_columns]
    if record_type is STEPS:
        return [*key, project.pk, *content, *(record.validation or _NOT_VALIDATED), *receipt_columns]
    return [*key, project.pk, *content, *receipt_columns]


def _new_deltas(record_type: RecordType) -> tuple[RollupDeltas[Any], Callable[[StoredRecord | None], Any]]:
    """Return the deltas of the rollups that count this type, and the function that makes a record countable."""
    if record_type is RUNS:
        return new_run_deltas(), _to_countable_run
    if record_type is STEPS:
        return new_tool_call_deltas(), _to_countable_calls
    return RollupDeltas((), lambda *_: None), lambda _: None


def _to_countable_run(record: StoredRecord | None) -> CountableRun | None:
    return record.columns if record is not None and isinstance(record.columns, RunColumns) else None


def _to_countable_calls(record: StoredRecord | None) -> CountableCalls | None:
    if record is None or not isinstance(record.columns, StepColumns) or not record.columns.tool_types:
        return None  # most steps call no tool
    return record.columns, record.validation


def _store_history(record_type: RecordType, plans: MergePlans, receipt: Receipt) -> None:
    model = record_type.observation_model
    if model is None:
        return
    observations = []
    for key, plan in plans.items():
        first = plan.before.history_length + 1 if plan.before else 1
        for n, entry in enumerate(plan.history, first):
            observations.append(
                model(
                    **dict(zip(model.RECORD_KEY, key, strict=True)),
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
    model._default_manager.bulk_create(observations, batch_size=_ROWS_PER_STATEMENT)


def _find_reconfigured_runs(plans: MergePlans) -> list[uuid.UUID]:
    """Return the ids of stored runs whose configuration, and with it their tools, has changed."""
    return [
        uuid.UUID(key[0])
        for key, plan in plans.items()
        if plan.before is not None
        and plan.after is not None
        and plan.before.configuration_id != plan.after.configuration_id
    ]


def _find_new_creation_times(plans: MergePlans) -> dict[uuid.UUID, datetime]:
    """Return the new created_at of stored runs in which it has changed."""
    return {
        uuid.UUID(key[0]): plan.after.columns.created_at
        for key, plan in plans.items()
        if plan.before is not None
        and plan.after is not None
        and isinstance(plan.before.columns, RunColumns)
        and isinstance(plan.after.columns, RunColumns)
        and plan.before.columns.created_at != plan.after.columns.created_at
    }


def _mark_as_seen(record_type: RecordType, keys: Sequence[RowKey], receipt: Receipt) -> None:
    """Set `seen_at` of records that were received again unchanged, at most once a minute."""
    if not keys:
        return
    due = receipt.at - _SEEN_INTERVAL
    # The parts of a key are matched separately: ids of steps do not repeat between runs.
    lookups = {f"{name}__in": {key[position] for key in keys} for position, name in enumerate(record_type.key)}
    try:
        with transaction.atomic():
            record_type.model._default_manager.filter(**lookups, seen_at__lt=due).update(seen_at=receipt.at)
    except OperationalError as error:
        if not is_retryable(error):
            raise
        logger.info("Skipped marking %d records as seen", len(keys), extra={"action": "skip_touch"})


# What runs refer to


def _error_group_id(record: ParsedRecord) -> uuid.UUID | None:
    return record.columns.error_group_id if isinstance(record.columns, RunColumns) else None


def _store_configurations(
    project: Project, grouped: GroupedRecords, missing_ids: set[uuid.UUID], receipt: Receipt
) -> None:
    """Store configurations and their tool definitions.

    They are stored in a transaction of their own and in the order of their ids, because two writers of the same ones
    would otherwise deadlock.
    """
    configurations: dict[uuid.UUID, Configuration] = {}
    first_run_created_at: dict[uuid.UUID, datetime] = {}
    for record in itertools.chain.from_iterable(grouped[RUNS].values()):
        pk, parsed, run = record.configuration_id, record.configuration, record.columns
        if pk is None or pk not in missing_ids or parsed is None or not isinstance(run, RunColumns):
            continue
        first_run_created_at[pk] = min(run.created_at, first_run_created_at.get(pk, run.created_at))
        if pk not in configurations:
            configurations[pk] = Configuration(
                id=pk,
                project=project,
                assistant_id=run.assistant_id,
                body=parsed.body,
                model=parsed.model,
                instructions=parsed.instructions,
                tool_types=list(parsed.tool_types),
                function_names=list(parsed.function_names),
                first_seen_at=receipt.at,
            )
    with transaction.atomic():
        Configuration.objects.bulk_create([configurations[pk] for pk in sorted(configurations)], ignore_conflicts=True)
        tool_definitions.store_tool_definitions(configurations.values(), first_run_created_at)


def _store_error_groups(
    project: Project, grouped: GroupedRecords, missing_ids: set[uuid.UUID], receipt: Receipt
) -> None:
    """Store error groups, like configurations in the order of their ids and outside the transaction of the runs."""
    groups: dict[uuid.UUID, ErrorGroup] = {}
    for record in itertools.chain.from_iterable(grouped[RUNS].values()):
        pk, signature, run = _error_group_id(record), record.error_signature, record.columns
        if pk in missing_ids and pk not in groups and signature is not None and isinstance(run, RunColumns):
            groups[pk] = derived_fields.build_error_group(project, pk, signature, run, receipt.at)
    if groups:
        ErrorGroup.objects.bulk_create([groups[pk] for pk in sorted(groups)], ignore_conflicts=True)
