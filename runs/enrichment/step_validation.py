"""Validate the tool calls of stored steps and keep the results in their rows, for pages, filters and rollups.

Steps are validated after they are stored, not while they are ingested: a step may arrive before its run, the run's
configuration may change, and schemas take time. A change of a run's tools deletes the results
(`runs.rollups.tool_calls.invalidate_checks`), and so does a change of the step.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import transaction

from runs.db import sql
from runs.enrichment.function_calls import CallFinding, FindingKind, PostedFunctionCall
from runs.enrichment.tool_call_validation import DeclaredCall, find_call_findings
from runs.enrichment.validation_batches import MAX_DETAILS_SIZE, StepBatch, UnvalidatedPosition, fetch_step_batch
from runs.models import Project, Run, RunStep
from runs.protocol.step import parse_tool_calls, tool_output_size
from runs.rollups import tool_calls
from runs.rollups.tool_calls import ToolCallValidation

VALIDATION_BATCH_SIZE = 500  # steps
VALIDATION_TIMEOUT = 10.0  # seconds for a batch, after which other projects have their turn
MAX_STORED_FINDINGS = 200  # of a step

_UPDATE = """
    UPDATE run_step SET invalid_calls = validated.invalid_calls::text[], tool_outputs = validated.outputs::integer[],
                        call_findings = validated.findings, version = run_step.version + 1
      FROM unnest(%s::uuid[], %s::text[], %s::integer[], %s::text[], %s::text[], %s::text[])
        AS validated (run_id, external_id, version, invalid_calls, outputs, findings)
     WHERE run_step.run_id = validated.run_id AND run_step.external_id = validated.external_id
       AND run_step.version = validated.version
    RETURNING run_step.run_id, run_step.external_id"""

# A finding as it is stored: the position of the call in its step, kind, pointer and message.
StoredFinding = tuple[int, str, str, str]


@dataclass(frozen=True, slots=True)
class ValidationProgress:
    """The number of steps that were validated, and the position after which to continue, None after the last."""

    validated_count: int
    next_position: UnvalidatedPosition | None


class ReadStep(NamedTuple):
    """A step, its function calls by position, and the size of the output of each call.

    A step that is too large has no calls here, but positions in `unread`.
    """

    record: RunStep
    calls: Mapping[int, PostedFunctionCall]
    output_sizes: Sequence[int | None]
    unread: Sequence[int] = ()


class ValidatedStep(NamedTuple):
    """A step with the result of its validation, and the findings that explain it."""

    record: RunStep
    result: ToolCallValidation
    findings: Sequence[StoredFinding]


def validate_next_steps(
    project: Project,
    after: UnvalidatedPosition | None,
    *,
    max_steps: int | None = None,
    timeout: float = VALIDATION_TIMEOUT,
) -> ValidationProgress:
    """Validate the next steps of `project` that were not validated yet, in the order in which they were received.

    Steps whose run is not stored stay unvalidated, unless they call no function. Raises SandboxUnavailable.
    """
    # 1. Fetch the steps, and read their calls.
    batch = fetch_step_batch(project, after, max_steps or VALIDATION_BATCH_SIZE)
    steps = [
        _read_step(record, details)
        for record, details in zip(batch.steps, batch.details, strict=True)
        if record.run_id in batch.configuration_ids or "function" not in record.tool_types
    ]

    # 2. Validate them until the time is up.
    validated = list(_validate_steps(steps, batch, timeout))

    # 3. Store the results.
    count = _store(project, validated, batch.configuration_ids)
    if len(validated) < len(steps):
        return ValidationProgress(count, _position(validated[-1].record))
    return ValidationProgress(count, None if batch.is_last else _position(batch.steps[-1]))


def read_stored_findings(
    record: RunStep, calls: Mapping[int, PostedFunctionCall]
) -> dict[int, list[CallFinding]] | None:
    """Return the stored findings about the function calls of a step by position, None if they are not validated yet.

    `calls` are its function calls by their position among all its calls.
    """
    if record.invalid_calls is None or (record.invalid_calls and record.call_findings is None):
        return None
    findings: dict[int, list[CallFinding]] = {position: [] for position in calls}
    for position, kind, pointer, message in json.loads(record.call_findings or "[]"):
        if position in calls:
            findings[position].append(CallFinding(FindingKind(kind), calls[position], message, pointer))
    return findings


def _position(record: RunStep) -> UnvalidatedPosition:
    return record.received_at, record.run_id, record.external_id


def _read_step(record: RunStep, details: str | None) -> ReadStep:
    positions = [position for position, tool_type in enumerate(record.tool_types) if tool_type == "function"]
    if details is None:
        return ReadStep(record, {}, [None] * len(record.tool_types), positions)
    posted = parse_tool_calls(details)
    calls = {position: _read_function_call(posted[position]) for position in positions}
    return ReadStep(record, calls, list(map(tool_output_size, posted)))


def _read_function_call(posted: Mapping[str, Any]) -> PostedFunctionCall:
    function = posted.get("function")
    members = function if isinstance(function, dict) else {}
    arguments = members.get("arguments")
    if arguments is not None and not isinstance(arguments, str):
        arguments = json.dumps(arguments)
    return PostedFunctionCall(str(posted.get("id") or ""), str(members.get("name") or "function"), arguments)


def _validate_steps(steps: Sequence[ReadStep], batch: StepBatch, timeout: float) -> Iterator[ValidatedStep]:
    """Yield the steps that are done at the timeout. The first one always is, or all others would wait for ever."""
    declared = [
        DeclaredCall(call, batch.tools.get(step.record.run_id)) for step in steps for call in step.calls.values()
    ]
    found = iter(find_call_findings(declared, timeout))
    for index, step in enumerate(steps):
        findings = [next(found) for _ in step.calls]
        if None in findings and index:
            return
        yield _to_validated_step(step, findings, timeout)


def _to_validated_step(
    read: ReadStep, findings_by_call: Sequence[Sequence[CallFinding] | None], timeout: float
) -> ValidatedStep:
    too_late = f"too complex: the calls of the step take more than {timeout:g} s"
    too_large = f"the step is larger than {MAX_DETAILS_SIZE:,} bytes"
    stored: list[StoredFinding] = [(position, FindingKind.NOT_VALIDATED, "", too_large) for position in read.unread]
    invalid: list[str] = []
    for position, findings in zip(read.calls, findings_by_call, strict=True):
        if findings is None:
            stored.append((position, FindingKind.NOT_VALIDATED, "", too_late))
            continue
        stored += [(position, finding.kind, finding.pointer, finding.message) for finding in findings]
        if any(finding.is_invalid_call for finding in findings):
            invalid.append(read.record.tool_names[position])
    return ValidatedStep(read.record, ToolCallValidation(invalid, read.output_sizes), stored[:MAX_STORED_FINDINGS])


def _store(
    project: Project, validated: Sequence[ValidatedStep], configuration_ids: Mapping[uuid.UUID, uuid.UUID]
) -> int:
    """Store the results that are still up to date, and return their number."""
    if not validated:
        return 0
    with transaction.atomic():
        # Lock the runs first, so that their tools can't change meanwhile.
        locked = dict(Run.objects.with_ids(configuration_ids).locked().values_list("pk", "configuration_id"))
        current = [
            step for step in validated if locked.get(step.record.run_id) == configuration_ids.get(step.record.run_id)
        ]
        # All writers lock rows in the order of their keys.
        updated = _update(sorted(current, key=lambda step: (step.record.run_id, step.record.external_id)))
        stored = [step for step in current if (step.record.run_id, step.record.external_id) in updated]
        changes = (((step.record, None), (step.record, step.result)) for step in stored)
        tool_calls.record_tool_call_changes(project, changes)
    return len(stored)


def _update(validated: Sequence[ValidatedStep]) -> set[tuple[uuid.UUID, str]]:
    """Update the rows whose version is the one that was validated, and return their keys."""
    parameters = [
        [step.record.run_id for step in validated],
        [step.record.external_id for step in validated],
        [step.record.version for step in validated],
        [sql.format_array(step.result.invalid_calls) for step in validated],
        [sql.format_array(step.result.output_sizes) for step in validated],
        [json.dumps(step.findings) if step.findings else None for step in validated],
    ]
    with sql.open_cursor() as cursor:
        cursor.execute(_UPDATE, parameters)
        return set(cursor.fetchall())
