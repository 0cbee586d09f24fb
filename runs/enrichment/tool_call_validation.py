"""Holding the calls of stored steps against the tools of their runs, after they were written.

It can't be done on the way in: a step may come before its run, a run may be configured anew, and a schema takes time.
What a step holds is counted only as long as its run's tools are those it was held against: whoever changes these takes
the verdict back (see `runs.rollups.tool_calls.invalidate_checks`), and a step that is written anew has none.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import transaction

from runs.db import sql
from runs.enrichment import tool_schema
from runs.enrichment.tool_schema import FindingKind, PostedFunctionCall
from runs.models import Configuration, Project, Run, RunStep
from runs.protocol import lossless_json, step
from runs.rollups import tool_calls
from runs.rollups.tool_calls import ToolCallValidation

# Steps at a time.
VALIDATION_BATCH_SIZE = 500
# A schema that is none is no fault of the call, and what is merely not checked is none at all.
INVALID_CALL_KINDS = frozenset(
    {FindingKind.UNDECLARED, FindingKind.UNPARSEABLE, FindingKind.NOT_AN_OBJECT, FindingKind.MISARGUED}
)

# Where among the unchecked steps: when one was received, and its key.
UnvalidatedPosition = tuple[datetime, uuid.UUID, str]

_UPDATE = """
    UPDATE run_step SET misargued = held.misargued::text[], tool_outputs = held.outputs::integer[],
                        version = run_step.version + 1
      FROM unnest(%s::uuid[], %s::text[], %s::integer[], %s::text[], %s::text[])
        AS held (run_id, external_id, version, misargued, outputs)
     WHERE run_step.run_id = held.run_id AND run_step.external_id = held.external_id
       AND run_step.version = held.version
    RETURNING run_step.run_id, run_step.external_id"""


@dataclass(frozen=True, slots=True)
class ValidationProgress:
    """How many steps were checked, and behind which to go on; None where there are no more."""

    checked: int
    further: UnvalidatedPosition | None


ValidatedStep = tuple[RunStep, ToolCallValidation]


def validate_next_steps(projects: Mapping[int, Project], after: UnvalidatedPosition | None) -> ValidationProgress:
    """Check the next steps that were not, in the order in which they came, from behind `after` on.

    Steps whose run is not there stay unchecked.
    """
    steps = list(RunStep.objects.pending_validation(after)[:VALIDATION_BATCH_SIZE])
    configured = dict(Run.objects.filter(pk__in={each.run_id for each in steps}).values_list("pk", "configuration_id"))
    bodies = _bodies(configured.values())
    judged = [
        (each, _verdict(each, bodies.get(configured[each.run_id]) if each.run_id in configured else None))
        for each in sorted(steps, key=lambda step: (step.run_id, step.external_id))
        if each.run_id in configured or "function" not in each.tool_types
    ]
    checked = _store(projects, judged, configured)
    last = steps[-1] if len(steps) == VALIDATION_BATCH_SIZE else None
    return ValidationProgress(checked, None if last is None else (last.received_at, last.run_id, last.external_id))


def find_invalid_calls(tools: str | None, called: Sequence[PostedFunctionCall]) -> set[int]:
    """The places of the calls that do not keep to `tools`, a run's own as JSON; none where these were not sent."""
    if tools is None or tools == "null":
        return set()
    found = tool_schema.validate_function_calls(decode_tools(tools), called).findings
    wrong = {id(finding.call) for finding in found if finding.kind in INVALID_CALL_KINDS}
    return {place for place, call in enumerate(called) if id(call) in wrong}


def to_function_call(call: Mapping[str, Any]) -> PostedFunctionCall:
    """A stored call of a function as the contract takes it."""
    function = call.get("function") or {}
    return PostedFunctionCall(call.get("id") or "", function.get("name") or call["type"], function.get("arguments"))


def extract_tools(body: str) -> str | None:
    """The tools of a stored configuration as JSON; None where they were not sent."""
    tools = lossless_json.split_object(body.encode()).get("tools")
    return None if tools is None else tools.decode()


def _bodies(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str | None]:
    wanted = Configuration.objects.filter(pk__in=set(ids)).values_list("pk", "body")
    return {pk: extract_tools(body) for pk, body in wanted}


@lru_cache(maxsize=64)
def decode_tools(tools: str) -> list[Any]:
    """The JSON of a run's tools as values, of which the last ones are remembered: read only."""
    found: list[Any] = json.loads(tools)
    return found


def _verdict(record: RunStep, tools: str | None) -> ToolCallValidation:
    calls = step.parse_tool_calls(record.details)
    functions = [place for place, kind in enumerate(record.tool_types) if kind == "function"]
    wrong = find_invalid_calls(tools, [to_function_call(calls[place]) for place in functions])
    names = [record.tool_names[place] for number, place in enumerate(functions) if number in wrong]
    return ToolCallValidation(names, list(map(step.tool_output_size, calls)))


def _store(
    projects: Mapping[int, Project], judged: Sequence[ValidatedStep], configured: Mapping[uuid.UUID, uuid.UUID]
) -> int:
    """Write what still holds; how many did. Runs are locked first, so that their tools stay what they are."""
    if not judged:
        return 0
    with transaction.atomic():
        current = dict(Run.objects.with_ids(configured).locked().values_list("pk", "configuration_id"))
        holding = [each for each in judged if current.get(each[0].run_id) == configured.get(each[0].run_id)]
        written = _update(holding)
        stored = [each for each in holding if (each[0].run_id, each[0].external_id) in written]
        for pk in sorted({record.project_id for record, _ in stored}):
            mine = ((record, verdict) for record, verdict in stored if record.project_id == pk)
            tool_calls.record_tool_call_changes(
                projects[pk], (((record, None), (record, verdict)) for record, verdict in mine)
            )
    return len(stored)


def _update(judged: Sequence[ValidatedStep]) -> set[tuple[uuid.UUID, str]]:
    parameters = [
        [record.run_id for record, _ in judged],
        [record.external_id for record, _ in judged],
        [record.version for record, _ in judged],
        [sql.format_array(verdict.invalid_calls) for _, verdict in judged],
        [sql.format_array(verdict.output_sizes) for _, verdict in judged],
    ]
    with sql.open_cursor() as cursor:
        cursor.execute(_UPDATE, parameters)
        return set(cursor.fetchall())
