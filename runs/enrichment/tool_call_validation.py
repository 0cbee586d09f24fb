"""Validate tool calls against the tools that their own run declares.

`validate_function_calls` validates calls and explains what is wrong, for pages. `validate_next_steps` validates
stored steps and keeps the result in their rows, for lists, filters and rollups.

Steps are validated after they are stored, not while they are ingested: a step may arrive before its run, the run's
configuration may change, and schemas take time. A stored result holds only for the tools that it was made with. So a
change of a run's tools deletes it (`runs.rollups.tool_calls.invalidate_checks`), and so does a change of the step.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NoReturn

from django.db import transaction

from runs.db import sql
from runs.enrichment.tool_schema import (
    InvalidToolSchema,
    ValidationBudget,
    ValidationSkipped,
    find_schema_violations,
)
from runs.models import Configuration, Project, Run, RunStep
from runs.protocol import lossless_json, step
from runs.rollups import tool_calls
from runs.rollups.tool_calls import ToolCallValidation

MAX_ARGUMENTS_LENGTH = 64_000  # characters
VALIDATION_BATCH_SIZE = 500  # steps


class FindingKind(StrEnum):
    """The kind of a finding, in words that can stand after the name of the function."""

    UNDECLARED = "undeclared"
    UNPARSEABLE = "unparseable arguments"
    NOT_AN_OBJECT = "arguments not an object"
    INVALID_ARGUMENTS = "invalid arguments"
    INVALID_SCHEMA = "invalid schema"
    NOT_VALIDATED = "not validated"


# An invalid schema is not the fault of the call.
INVALID_CALL_KINDS = frozenset(
    {FindingKind.UNDECLARED, FindingKind.UNPARSEABLE, FindingKind.NOT_AN_OBJECT, FindingKind.INVALID_ARGUMENTS}
)


@dataclass(frozen=True, slots=True)
class PostedFunctionCall:
    """The call of a function as posted. `arguments` is JSON text, None if not sent."""

    id: str
    name: str
    arguments: str | None


@dataclass(frozen=True, slots=True)
class CallFinding:
    """A finding about a call. An invalid schema is reported for its first call only.

    `pointer` is the JSON Pointer of the value in the arguments, "" for all of them.
    """

    kind: FindingKind
    call: PostedFunctionCall
    message: str
    pointer: str = ""

    @property
    def is_error(self) -> bool:
        """Return whether something is wrong with the call or the schema, unlike a call that was not validated."""
        return self.kind is not FindingKind.NOT_VALIDATED

    @property
    def is_invalid_call(self) -> bool:
        """Return whether the call itself is wrong."""
        return self.kind in INVALID_CALL_KINDS


@dataclass(frozen=True, slots=True)
class FunctionCallReport:
    """The findings in the order of the calls, and the names of the functions that were declared but not called."""

    findings: tuple[CallFinding, ...] = ()
    never_called: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[CallFinding, ...]:
        """The findings about invalid calls and invalid schemas."""
        return tuple(finding for finding in self.findings if finding.is_error)

    @property
    def invalid_calls(self) -> tuple[CallFinding, ...]:
        """The findings about invalid calls."""
        return tuple(finding for finding in self.findings if finding.is_invalid_call)


def validate_function_calls(tools: str | None, calls: Sequence[PostedFunctionCall]) -> FunctionCallReport:
    """Validate `calls` against `tools`, the JSON text of their run's own, in bounded time.

    The report is empty if the tools were not sent (None or null).
    """
    if tools is None or tools == "null":
        return FunctionCallReport()
    # of two functions with the same name the first one counts
    schemas = dict(reversed([*_declared_functions(_decode_tools(tools))]))
    called_names = {call.name for call in calls}
    schema_texts = {name: json.dumps(schema) for name, schema in schemas.items() if name in called_names}
    budget = ValidationBudget()
    invalid_schemas: set[str] = set()
    findings = tuple(
        finding for call in calls for finding in _validate_call(call, schema_texts, budget, invalid_schemas)
    )
    return FunctionCallReport(findings, tuple(name for name in reversed(schemas) if name not in called_names))


def extract_tools(configuration_body: str) -> str | None:
    """Return the JSON text of a stored configuration's tools, None if they were not sent."""
    tools = lossless_json.split_object(configuration_body.encode()).get("tools")
    return None if tools is None else tools.decode()


@lru_cache(maxsize=64)
def _decode_tools(tools: str) -> list[Any]:
    """Decode tools into values that are shared between calls: read them only."""
    decoded: list[Any] = json.loads(tools)
    return decoded


def _declared_functions(tools: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Yield the name and the schema of each declared function. Without parameters, any object is valid."""
    for tool in tools:
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            schema = function.get("parameters")
            yield function["name"], True if schema is None else schema


def _validate_call(
    call: PostedFunctionCall, schemas: Mapping[str, str], budget: ValidationBudget, invalid_schemas: set[str]
) -> Iterator[CallFinding]:
    """Yield the findings about a call. `invalid_schemas` has the names of functions already reported as such."""
    if call.name not in schemas:
        yield CallFinding(FindingKind.UNDECLARED, call, "not among the run's tools")
        return
    if call.arguments is None:
        return
    if len(call.arguments) > MAX_ARGUMENTS_LENGTH:
        message = f"the arguments are longer than {MAX_ARGUMENTS_LENGTH:,} characters"
        yield CallFinding(FindingKind.NOT_VALIDATED, call, message)
        return
    try:
        arguments = _arguments_decoder.decode(call.arguments)
    except json.JSONDecodeError as error:
        message = f"{error.msg.removesuffix(' at')} at character {error.pos + 1:,}"
        yield CallFinding(FindingKind.UNPARSEABLE, call, message)
        return
    except ValueError as error:
        yield CallFinding(FindingKind.UNPARSEABLE, call, str(error))
        return
    except RecursionError:
        yield CallFinding(FindingKind.UNPARSEABLE, call, "nested too deeply")
        return
    if not isinstance(arguments, dict):
        yield CallFinding(FindingKind.NOT_AN_OBJECT, call, "expected an object")
        return
    try:
        for violation in find_schema_violations(schemas[call.name], arguments, budget):
            yield CallFinding(FindingKind.INVALID_ARGUMENTS, call, violation.message, violation.pointer)
    except ValidationSkipped as error:
        yield CallFinding(FindingKind.NOT_VALIDATED, call, str(error))
    except InvalidToolSchema as error:
        if call.name not in invalid_schemas:
            yield CallFinding(FindingKind.INVALID_SCHEMA, call, str(error))
        invalid_schemas.add(call.name)


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


# One decoder for all calls. It decodes numbers, as schemas compare them by value.
_arguments_decoder = json.JSONDecoder(parse_constant=_reject_constant)


# The position of a step among those that were not validated: when it was received, and its key.
UnvalidatedPosition = tuple[datetime, uuid.UUID, str]
ValidatedStep = tuple[RunStep, ToolCallValidation]

_UPDATE = """
    UPDATE run_step SET invalid_calls = validated.invalid_calls::text[], tool_outputs = validated.outputs::integer[],
                        version = run_step.version + 1
      FROM unnest(%s::uuid[], %s::text[], %s::integer[], %s::text[], %s::text[])
        AS validated (run_id, external_id, version, invalid_calls, outputs)
     WHERE run_step.run_id = validated.run_id AND run_step.external_id = validated.external_id
       AND run_step.version = validated.version
    RETURNING run_step.run_id, run_step.external_id"""


@dataclass(frozen=True, slots=True)
class ValidationProgress:
    """The number of steps that were validated, and the position after which to continue, None after the last."""

    validated_count: int
    next_position: UnvalidatedPosition | None


def validate_next_steps(projects: Mapping[int, Project], after: UnvalidatedPosition | None) -> ValidationProgress:
    """Validate the next batch of steps that were not validated yet, in the order in which they were received.

    `projects` are all projects by their key. Steps whose run is not stored stay unvalidated, unless they call no
    function.
    """
    # 1. Fetch the steps, and the tools of their runs.
    steps = list(RunStep.objects.pending_validation(after)[:VALIDATION_BATCH_SIZE])
    run_ids = {record.run_id for record in steps}
    configuration_ids = dict(Run.objects.filter(pk__in=run_ids).values_list("pk", "configuration_id"))
    bodies = Configuration.objects.filter(pk__in=set(configuration_ids.values())).values_list("pk", "body")
    tools_by_configuration = {pk: extract_tools(body) for pk, body in bodies}
    tools_by_run = {run_id: tools_by_configuration.get(pk) for run_id, pk in configuration_ids.items()}

    # 2. Validate them in the order of their keys, in which all writers lock rows.
    validated = [
        (record, _validate_step(record, tools_by_run.get(record.run_id)))
        for record in sorted(steps, key=lambda step: (step.run_id, step.external_id))
        if record.run_id in configuration_ids or "function" not in record.tool_types
    ]

    # 3. Store the results.
    count = _store(projects, validated, configuration_ids)
    last = steps[-1] if len(steps) == VALIDATION_BATCH_SIZE else None
    return ValidationProgress(count, None if last is None else (last.received_at, last.run_id, last.external_id))


def _validate_step(record: RunStep, tools: str | None) -> ToolCallValidation:
    posted = step.parse_tool_calls(record.details)
    names: dict[int, str] = {}
    calls: list[PostedFunctionCall] = []
    for index, tool_type in enumerate(record.tool_types):
        if tool_type == "function":
            function = posted[index].get("function") or {}
            call = PostedFunctionCall(
                posted[index].get("id") or "", function.get("name") or "function", function.get("arguments")
            )
            calls.append(call)
            names[id(call)] = record.tool_names[index]
    invalid = {id(finding.call) for finding in validate_function_calls(tools, calls).invalid_calls}
    return ToolCallValidation(
        [names[id(call)] for call in calls if id(call) in invalid], list(map(step.tool_output_size, posted))
    )


def _store(
    projects: Mapping[int, Project],
    validated: Sequence[ValidatedStep],
    configuration_ids: Mapping[uuid.UUID, uuid.UUID],
) -> int:
    """Store the results that are still up to date, and return their number."""
    if not validated:
        return 0
    with transaction.atomic():
        # Lock the runs first, so that their tools can't change meanwhile.
        locked = dict(Run.objects.with_ids(configuration_ids).locked().values_list("pk", "configuration_id"))
        current = [
            (record, result)
            for record, result in validated
            if locked.get(record.run_id) == configuration_ids.get(record.run_id)
        ]
        updated = _update(current)
        stored = [(record, result) for record, result in current if (record.run_id, record.external_id) in updated]
        for project_id in sorted({record.project_id for record, _ in stored}):
            changes = (
                ((record, None), (record, result)) for record, result in stored if record.project_id == project_id
            )
            tool_calls.record_tool_call_changes(projects[project_id], changes)
    return len(stored)


def _update(validated: Sequence[ValidatedStep]) -> set[tuple[uuid.UUID, str]]:
    """Update the rows whose version is the one that was validated, and return their keys."""
    parameters = [
        [record.run_id for record, _ in validated],
        [record.external_id for record, _ in validated],
        [record.version for record, _ in validated],
        [sql.format_array(result.invalid_calls) for _, result in validated],
        [sql.format_array(result.output_sizes) for _, result in validated],
    ]
    with sql.open_cursor() as cursor:
        cursor.execute(_UPDATE, parameters)
        return set(cursor.fetchall())
