"""Derived runs with their steps and messages, and their reading by the rules of posted objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from runs.errors import InvalidObject, Problem, RunglassError
from runs.ingest import MESSAGES, RUNS, STEPS, RecordType
from runs.ingest.implausible_times import replace_implausible_time
from runs.ingest.record_types import ParsedRecord
from runs.models import Project, RunSource
from runs.protocol.lossless_json import check_json_depth, encode_json, split_object
from runs.protocol.run import RunColumns

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
    project: Project, source: RunSource, derived: Iterable[DerivedRun], received_at: datetime
) -> DerivedRecords:
    """Return the records of derived runs, each with its own index. A repeated id of a step or message wins last.

    Raises InvalidObject with a problem for every fault, each with the `id` of its run.
    """
    records: DerivedRecords = {RUNS: [], STEPS: [], MESSAGES: []}
    problems: list[Problem] = []
    for derived_run in derived:
        parts = ((RUNS, [derived_run.run]), (STEPS, derived_run.steps), (MESSAGES, derived_run.messages))
        for record_type, objects in parts:
            for value in objects:
                index = sum(map(len, records.values()))
                try:
                    record = _parse_derived(project, record_type, index, value)
                except RunglassError as error:
                    problems += [
                        replace(problem, path=f"/{value.get('object')}{problem.path}", id=derived_run.run["id"])
                        for problem in error.problems or [Problem("", error.message)]
                    ]
                    continue
                replace_implausible_time(record, received_at)
                if isinstance(record.columns, RunColumns):
                    record.columns.source = source
                records[record_type].append(record)
    if problems:
        raise InvalidObject(problems=problems)
    return records


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
