"""A run's calls held against its own tools."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

from runs.enrichment.tool_schema.schema import Broken, Budget, Unchecked, faults

LONGEST = 64_000  # characters of arguments


class Kind(StrEnum):
    """What can be wrong with a call, in words that can stand before its name."""

    UNDECLARED = "undeclared"
    UNPARSEABLE = "unparseable arguments"
    NOT_AN_OBJECT = "arguments not an object"
    MISARGUED = "mis-argued"
    BROKEN_SCHEMA = "broken schema"
    UNCHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Called:
    """A call of a function, as posted. `arguments` None: not sent."""

    id: str
    name: str
    arguments: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about one call; of a broken schema only the first call tells.

    `pointer` is the JSON Pointer of the value in the arguments, "" for the whole of them.
    """

    kind: Kind
    call: Called
    message: str
    pointer: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether somebody did something wrong; what is merely not checked is for information."""
        return self.kind is not Kind.UNCHECKED


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome: what was found, call by call, and the functions that were declared in vain."""

    findings: tuple[Finding, ...]
    never_called: tuple[str, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.is_fault)


def check(tools: Sequence[Any], calls: Sequence[Called]) -> Report:
    """Hold every call of a function against `tools`, the JSON values of the run's own; takes bounded time."""
    declared = dict(reversed([*_functions(tools)]))
    called = {call.name for call in calls}
    written = {name: json.dumps(schema) for name, schema in declared.items() if name in called}
    budget = Budget()
    told: set[str] = set()
    findings = [finding for call in calls for finding in _findings(call, written, budget, told)]
    return Report(tuple(findings), tuple(name for name in reversed(declared) if name not in called))


def _functions(tools: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """The declared functions by name, each with its schema; one without takes any object."""
    for tool in tools:
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            schema = function.get("parameters")
            yield function["name"], True if schema is None else schema


def _findings(call: Called, declared: dict[str, str], budget: Budget, told: set[str]) -> Iterator[Finding]:
    if call.name not in declared:
        yield Finding(Kind.UNDECLARED, call, "not among the run's tools")
        return
    if call.arguments is None:
        return
    if len(call.arguments) > LONGEST:
        yield Finding(Kind.UNCHECKED, call, f"its arguments are longer than {LONGEST:,} characters")
        return
    try:
        arguments = _decoder.decode(call.arguments)
    except (ValueError, RecursionError) as error:
        yield Finding(Kind.UNPARSEABLE, call, _why(error))
        return
    if not isinstance(arguments, dict):
        yield Finding(Kind.NOT_AN_OBJECT, call, "expected an object")
        return
    yield from _held(call, declared[call.name], arguments, budget, told)


def _held(call: Called, schema: str, arguments: Any, budget: Budget, told: set[str]) -> Iterator[Finding]:
    try:
        for fault in faults(schema, arguments, budget):
            yield Finding(Kind.MISARGUED, call, fault.message, fault.pointer)
    except Unchecked as error:
        yield Finding(Kind.UNCHECKED, call, str(error))
    except Broken as error:
        if call.name not in told:
            yield Finding(Kind.BROKEN_SCHEMA, call, str(error))
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
