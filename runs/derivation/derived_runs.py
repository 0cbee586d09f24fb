"""Derived runs with their steps and messages, and their reading by the rules of posted objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, islice
from typing import Any

from runs.errors import InvalidObject, Problem, RunglassError
from runs.ingest import MESSAGES, RUNS, STEPS, RecordType
from runs.ingest.implausible_times import replace_implausible_time
from runs.ingest.record_types import ParsedRecord
from runs.models import Project, RunSource
from runs.protocol.lossless_json import check_json_depth, encode_json, split_object
from runs.protocol.run import RunColumns

# Parsed records and the stored ones beside them take about 10 kB each.
MAX_RECORDS_PER_BATCH = 5_000

DerivedRecords = dict[RecordType, list[ParsedRecord]]


@dataclass(frozen=True, slots=True)
class DerivedRun:
    """A `thread.run` with its steps and messages, in ordinary Python values (see `lossless_json.encode_json`).

    Additional members are allowed, as for posted objects. Messages have the `run_id` of the run, also those of users.
    """

    run: dict[str, Any]
    steps: Sequence[dict[str, Any]] = ()
    messages: Sequence[dict[str, Any]] = ()


def parse_derived_runs(
    project: Project, source: RunSource, derived: Sequence[DerivedRun], received_at: datetime
) -> Iterator[DerivedRecords]:
    """Yield the records of derived runs, at most `MAX_RECORDS_PER_BATCH` at a time, each with its index among these.

    A repeated id of a step or message wins last. Raises InvalidObject with a problem for every fault of a batch, each
    with the `id` of its run.
    """
    for batch in _split_batches(derived):
        records: DerivedRecords = {RUNS: [], STEPS: [], MESSAGES: []}
        problems: list[Problem] = []
        for index, (record_type, run_id, value) in enumerate(batch):
            try:
                record = _parse_derived(project, record_type, index, value)
            except RunglassError as error:
                problems += [
                    replace(problem, path=f"/{value.get('object')}{problem.path}", id=run_id)
                    for problem in error.problems or [Problem("", error.message)]
                ]
                continue
            replace_implausible_time(record, received_at)
            if isinstance(record.columns, RunColumns):
                record.columns.source = source
            records[record_type].append(record)
        if problems:
            raise InvalidObject(problems=problems)
        yield records


def _split_batches(derived: Sequence[DerivedRun]) -> Iterator[list[tuple[RecordType, str, dict[str, Any]]]]:
    """Yield the objects of derived runs, each with its type and the id of its run.

    Runs come last, because other writers of the same configurations and metadata wait from then on.
    """
    parts = (
        (record_type, str(derived_run.run["id"]), value)
        for derived_run in derived
        for record_type, values in ((STEPS, derived_run.steps), (MESSAGES, derived_run.messages))
        for value in values
    )
    runs = ((RUNS, str(derived_run.run["id"]), derived_run.run) for derived_run in derived)
    objects = chain(parts, runs)
    while batch := list(islice(objects, MAX_RECORDS_PER_BATCH)):
        yield batch


def make_derived_message_key(project: Project, run_id: str, message_id: str) -> str:
    """Return the key, in hexadecimal digits, of a derived message.

    Posted messages are keyed by their id alone. Ids of messages that are parts of other objects may repeat, since each
    object has its own. A line break, which no id contains, keeps the two apart.
    """
    return project.record_id_hex(f"{run_id}\n{message_id}")


def _parse_derived(project: Project, record_type: RecordType, index: int, value: dict[str, Any]) -> ParsedRecord:
    raw = encode_json(value)
    record = record_type.parse_fast(project, index, raw)
    if record is None:
        check_json_depth(raw)
        record = record_type.parse(project, index, split_object(raw))
    if record_type is MESSAGES:
        record.key = (make_derived_message_key(project, value["run_id"], record.columns.external_id),)
    return record
