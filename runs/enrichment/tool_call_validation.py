"""Validate function calls against the tools that their own run declares, and explain what is wrong.

A result holds only for the tools that it was made with. `runs.enrichment.step_validation` keeps the results of stored
steps; pages call `validate_function_calls`, which validates only calls without a stored result.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from runs.enrichment.argument_validation import ArgumentFinding
from runs.enrichment.bounded_validation import PostedArguments, validate_each
from runs.enrichment.function_calls import CallFinding, FindingKind, FunctionCallReport, PostedFunctionCall
from runs.errors import UnreadableBody
from runs.protocol.fields import truncate_indexed
from runs.protocol.lossless_json import compact_json, decode_json, split_array, split_object
from runs.sandbox import SandboxUnavailable

logger = logging.getLogger(__name__)

MAX_ARGUMENTS_LENGTH = 64_000  # characters
MAX_TOOLS_LENGTH = 2_000_000  # characters of all tools of a run
PAGE_TIMEOUT = 1.5  # seconds
_MAX_CACHED_TOOLS_LENGTH = 32_000  # characters
_ANY_OBJECT = "true"  # the schema of a function without parameters


class DeclaredCall(NamedTuple):
    """A call, and the JSON text of its run's tools; None or null if they were not sent."""

    call: PostedFunctionCall
    tools: str | None


def validate_function_calls(
    tools: str | None, calls: Sequence[PostedFunctionCall], stored: Sequence[Sequence[CallFinding] | None] = ()
) -> FunctionCallReport:
    """Report on the `calls` of a run, validated against its `tools`, in bounded time and memory.

    `stored` has the findings about each call that was validated before, None for the others. The report is empty if
    the tools were not sent.
    """
    known = stored or [None] * len(calls)
    unknown = [DeclaredCall(call, tools) for call, findings in zip(calls, known, strict=True) if findings is None]
    validated = iter(_find_for_page(unknown))
    findings_by_call = [next(validated) if findings is None else findings for findings in known]
    findings = (
        finding
        for call, findings in zip(calls, findings_by_call, strict=True)
        for finding in ([_not_reached(call)] if findings is None else findings)
    )
    return FunctionCallReport(tuple(_drop_repeated_schemas(findings)))


def _find_for_page(calls: Sequence[DeclaredCall]) -> list[list[CallFinding] | None]:
    try:
        return find_call_findings(calls, PAGE_TIMEOUT)
    except SandboxUnavailable as error:
        logger.info("A page is shown without validation: %s", error, extra={"action": "validation_skipped"})
        return [None] * len(calls)


def find_call_findings(calls: Sequence[DeclaredCall], timeout: float) -> list[list[CallFinding] | None]:
    """Return the findings about each call; None for those that `timeout` seconds do not suffice for.

    Raises SandboxUnavailable.
    """
    # 1. Look at what needs no schema.
    schemas_by_tools = {tools: _declare_schemas(tools) for tools in {call.tools for call in calls}}
    found = [_check_declaration(call, schemas_by_tools[tools]) for call, tools in calls]

    # 2. Validate the other calls, equal ones once.
    posted = [item for item in found if isinstance(item, PostedArguments)]
    validated = validate_each(posted, timeout) if posted else {}

    # 3. Put both together.
    return [
        _to_call_findings(call, validated.get(item)) if isinstance(item, PostedArguments) else item
        for (call, _), item in zip(calls, found, strict=True)
    ]


def extract_tools(configuration_body: str) -> str | None:
    """Return the JSON text of a stored configuration's tools, None if they were not sent."""
    tools = split_object(configuration_body.encode()).get("tools")
    return None if tools is None else tools.decode()


def _check_declaration(
    call: PostedFunctionCall, schemas: Mapping[str, str] | None
) -> PostedArguments | list[CallFinding]:
    """Return the findings about a call, or what has to be validated. `schemas` is None for tools that are too long."""
    if schemas is None:
        message = f"the run's tools are longer than {MAX_TOOLS_LENGTH:,} characters"
        return [CallFinding(FindingKind.NOT_VALIDATED, call, message)]
    if schemas is _UNKNOWN_TOOLS:
        return []
    schema = schemas.get(truncate_indexed(call.name))
    if schema is None:
        return [CallFinding(FindingKind.UNDECLARED, call, "not among the run's tools")]
    if call.arguments is None:
        return []
    if len(call.arguments) > MAX_ARGUMENTS_LENGTH:
        message = f"the arguments are longer than {MAX_ARGUMENTS_LENGTH:,} characters"
        return [CallFinding(FindingKind.NOT_VALIDATED, call, message)]
    return PostedArguments(schema, call.arguments)


def _to_call_findings(call: PostedFunctionCall, findings: Iterable[ArgumentFinding] | None) -> list[CallFinding] | None:
    if findings is None:
        return None
    return [CallFinding(FindingKind(kind), call, message, pointer) for kind, pointer, message in findings]


def _not_reached(call: PostedFunctionCall) -> CallFinding:
    return CallFinding(FindingKind.NOT_VALIDATED, call, "the validation goes on in the background")


def _drop_repeated_schemas(findings: Iterable[CallFinding]) -> Iterator[CallFinding]:
    """Yield `findings`, but an invalid schema only for the first call of its function."""
    reported: set[str] = set()
    for finding in findings:
        if finding.kind is FindingKind.INVALID_SCHEMA:
            if finding.call.name in reported:
                continue
            reported.add(finding.call.name)
        yield finding


_UNKNOWN_TOOLS: Mapping[str, str] = {}


def _declare_schemas(tools: str | None) -> Mapping[str, str] | None:
    """Return the schema of each declared function as JSON, by name; None if the tools are too long."""
    if tools is None or tools == "null":
        return _UNKNOWN_TOOLS
    if len(tools) > MAX_TOOLS_LENGTH:
        return None
    return _split_schemas(tools) if len(tools) > _MAX_CACHED_TOOLS_LENGTH else _split_schemas_cached(tools)


@lru_cache(maxsize=64)
def _split_schemas_cached(tools: str) -> Mapping[str, str]:
    return _split_schemas(tools)


def _split_schemas(tools: str) -> dict[str, str]:
    schemas: dict[str, str] = {}
    for raw in split_array(tools.encode()):
        function = _split_member(raw, "function")
        name = decode_json(function.get("name", b"null"))
        if isinstance(name, str):
            parameters = function.get("parameters", b"null")
            schema = _ANY_OBJECT if parameters == b"null" else compact_json(parameters).decode()
            schemas.setdefault(
                truncate_indexed(name), schema
            )  # of two functions with the same name the first one counts
    return schemas


def _split_member(raw: bytes, name: str) -> dict[str, bytes]:
    """Return the members of the object that is the member `name` of an object; {} if either is something else."""
    try:
        return split_object(split_object(raw).get(name, b"{}"))
    except UnreadableBody:
        return {}
