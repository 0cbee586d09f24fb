"""Function calls as they were posted, and what their validation finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """The kind of a finding, in words that can stand after the name of the function."""

    UNDECLARED = "undeclared"
    UNPARSEABLE = "unparseable arguments"
    NOT_AN_OBJECT = "arguments not an object"
    INVALID_ARGUMENTS = "invalid arguments"
    INVALID_SCHEMA = "invalid schema"
    NOT_VALIDATED = "not checked"


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
    """The findings about the calls of a run, in the order of the calls."""

    findings: tuple[CallFinding, ...] = ()

    @property
    def errors(self) -> tuple[CallFinding, ...]:
        """The findings about invalid calls and invalid schemas."""
        return tuple(finding for finding in self.findings if finding.is_error)

    @property
    def invalid_calls(self) -> tuple[CallFinding, ...]:
        """The findings about invalid calls."""
        return tuple(finding for finding in self.findings if finding.is_invalid_call)
