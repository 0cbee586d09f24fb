"""Derived runs with their steps and messages, and their reading by the rules of posted objects."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, islice
from typing import Any, NamedTuple

from runs.errors import InvalidObject, Problem, RunglassError
from runs.ingest import MESSAGES, RUNS, STEPS, RecordType
from runs.ingest.implausible_times import replace_implausible_time
from runs.ingest.record_types import ParsedRecord
from runs.models import Project, RunSource
from runs.protocol.lossless_json import check_json_depth, encode_json, split_object
from runs.protocol.message import MessageColumns
from runs.protocol.run import RunColumns
from runs.protocol.step import StepColumns

# Parsed records and the stored ones beside them take about 10 kB each.
MAX_RECORDS_PER_BATCH = 5_000

_POSITION_DIGITS = 8  # of the keys of messages

DerivedRecords = dict[RecordType, list[ParsedRecord]]


@dataclass(frozen=True, slots=True)
class DerivedRun:
    """A `thread.run` with its steps and messages, in ordinary Python values (see `lossless_json.encode_json`).

    Additional members are allowed, as for posted objects. Messages have the `run_id` of the run, also those of users.
    """

    run: dict[str, Any]
    steps: Sequence[dict[str, Any]] = ()
    messages: Sequence[dict[str, Any]] = ()


class _DerivedObject(NamedTuple):
    """A run, or one of its steps or messages with its position among these."""

    record_type: RecordType
    run_id: str
    position: int
    value: dict[str, Any]


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
        for index, derived_object in enumerate(batch):
            try:
                record = _parse_derived(project, source, index, derived_object)
            except RunglassError as error:
                path = f"/{derived_object.value.get('object')}"
                problems += [
                    replace(problem, path=path + problem.path, id=derived_object.run_id)
                    for problem in error.problems or [Problem("", error.message)]
                ]
                continue
            replace_implausible_time(record, received_at)
            records[derived_object.record_type].append(record)
        if problems:
            raise InvalidObject(problems=problems)
        yield records


def is_derived_message_key(project: Project, key: uuid.UUID, run_id: str, message_id: str) -> bool:
    """Return whether `key` is that of a derived message, and not that of a posted one with the same ids."""
    return key.hex[_POSITION_DIGITS:] == _make_key_suffix(project, run_id, message_id)


def _split_batches(derived: Sequence[DerivedRun]) -> Iterator[list[_DerivedObject]]:
    """Yield the objects of derived runs.

    Runs come last, because other writers of the same configurations and metadata wait from then on.
    """
    parts = (
        _DerivedObject(record_type, str(derived_run.run["id"]), position, value)
        for derived_run in derived
        for record_type, values in ((STEPS, derived_run.steps), (MESSAGES, derived_run.messages))
        for position, value in enumerate(values)
    )
    runs = (_DerivedObject(RUNS, str(derived_run.run["id"]), 0, derived_run.run) for derived_run in derived)
    objects = chain(parts, runs)
    while batch := list(islice(objects, MAX_RECORDS_PER_BATCH)):
        yield batch


def _parse_derived(project: Project, source: RunSource, index: int, derived: _DerivedObject) -> ParsedRecord:
    raw = encode_json(derived.value)
    record = derived.record_type.parse_fast(project, index, raw)
    if record is None:
        check_json_depth(raw)
        record = derived.record_type.parse(project, index, split_object(raw))
    match record.columns:
        case RunColumns():
            record.columns.source = source
        case StepColumns():
            record.columns.position = derived.position
        case MessageColumns(external_id=message_id):
            record.key = (_make_message_key(project, derived.run_id, message_id, derived.position),)
    return record


def _make_message_key(project: Project, run_id: str, message_id: str, position: int) -> str:
    """Return the key, in hexadecimal digits, of a derived message. Messages of one second are ordered by their keys.

    Posted messages are keyed by their id alone. Ids of messages that are parts of other objects may repeat, since each
    object has its own.
    """
    return f"{position:0{_POSITION_DIGITS}x}{_make_key_suffix(project, run_id, message_id)}"


def _make_key_suffix(project: Project, run_id: str, message_id: str) -> str:
    # a line break, which no id contains, keeps the two apart
    return project.record_id_hex(f"{run_id}\n{message_id}")[_POSITION_DIGITS:]
