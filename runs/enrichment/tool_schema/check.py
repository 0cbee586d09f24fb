"""A run's calls held against its own tools."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

from runs.enrichment.tool_schema.schema import (
    InvalidToolSchema,
    ValidationBudget,
    ValidationSkipped,
    find_schema_violations,
)

MAX_ARGUMENTS_LENGTH = 64_000  # characters of arguments


class FindingKind(StrEnum):
    """What can be wrong with a call, in words that can stand before its name."""

    UNDECLARED = "undeclared"
    UNPARSEABLE = "unparseable arguments"
    NOT_AN_OBJECT = "arguments not an object"
    MISARGUED = "mis-argued"
    BROKEN_SCHEMA = "broken schema"
    UNCHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class PostedFunctionCall:
    """A call of a function, as posted. `arguments` None: not sent."""

    id: str
    name: str
    arguments: str | None


@dataclass(frozen=True, slots=True)
class CallFinding:
    """One thing about one call; of a broken schema only the first call tells.

    `pointer` is the JSON Pointer of the value in the arguments, "" for the whole of them.
    """

    kind: FindingKind
    call: PostedFunctionCall
    message: str
    pointer: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether somebody did something wrong; what is merely not checked is for information."""
        return self.kind is not FindingKind.UNCHECKED


@dataclass(frozen=True, slots=True)
class CallFindings:
    """The outcome: what was found, call by call, and the functions that were declared in vain."""

    findings: tuple[CallFinding, ...]
    never_called: tuple[str, ...]

    @property
    def faults(self) -> tuple[CallFinding, ...]:
        return tuple(finding for finding in self.findings if finding.is_fault)


def validate_function_calls(tools: Sequence[Any], calls: Sequence[PostedFunctionCall]) -> CallFindings:
    """Hold every call of a function against `tools`, the JSON values of the run's own; takes bounded time."""
    declared = dict(reversed([*_functions(tools)]))
    called = {call.name for call in calls}
    written = {name: json.dumps(schema) for name, schema in declared.items() if name in called}
    budget = ValidationBudget()
    told: set[str] = set()
    findings = [finding for call in calls for finding in _findings(call, written, budget, told)]
    return CallFindings(tuple(findings), tuple(name for name in reversed(declared) if name not in called))


def _functions(tools: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """The declared functions by name, each with its schema; one without takes any object."""
    for tool in tools:
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            schema = function.get("parameters")
            yield function["name"], True if schema is None else schema


def _findings(
    call: PostedFunctionCall, declared: dict[str, str], budget: ValidationBudget, told: set[str]
) -> Iterator[CallFinding]:
    if call.name not in declared:
        yield CallFinding(FindingKind.UNDECLARED, call, "not among the run's tools")
        return
    if call.arguments is None:
        return
    if len(call.arguments) > MAX_ARGUMENTS_LENGTH:
        yield CallFinding(
            FindingKind.UNCHECKED, call, f"its arguments are longer than {MAX_ARGUMENTS_LENGTH:,} characters"
        )
        return
    try:
        arguments = _decoder.decode(call.arguments)
    except (ValueError, RecursionError) as error:
        yield CallFinding(FindingKind.UNPARSEABLE, call, _why(error))
        return
    if not isinstance(arguments, dict):
        yield CallFinding(FindingKind.NOT_AN_OBJECT, call, "expected an object")
        return
    yield from _held(call, declared[call.name], arguments, budget, told)


def _held(
    call: PostedFunctionCall, schema: str, arguments: Any, budget: ValidationBudget, told: set[str]
) -> Iterator[CallFinding]:
    try:
        for fault in find_schema_violations(schema, arguments, budget):
            yield CallFinding(FindingKind.MISARGUED, call, fault.message, fault.pointer)
    except ValidationSkipped as error:
        yield CallFinding(FindingKind.UNCHECKED, call, str(error))
    except InvalidToolSchema as error:
        if call.name not in told:
            yield CallFinding(FindingKind.BROKEN_SCHEMA, call, str(error))
        told.add(call.name)


def _why(error: Exception) -> str:
    match error:
        case json.JSONDecodeError():
            return f"{error.msg.removesuffix(' at')} at character {error.pos + 1:,}"
        case RecursionError():
            return "nested too deeply"
        case _:
            return str(error)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


# Made once, for all the calls of all runs.
_decoder = json.JSONDecoder(parse_constant=_refuse)
