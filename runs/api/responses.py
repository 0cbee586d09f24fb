"""The JSON responses of the REST API, each declared once.

Views answer with instances of these types, and the OpenAPI document is generated from the types themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Self

import msgspec
from django.http import HttpResponse, JsonResponse
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from runs.errors import Problem
from runs.ingest import IngestReport, Outcome
from runs.protocol.lossless_json import inspect_types

Count = Annotated[int, Meta(ge=0)]
_WARNINGS_DESCRIPTION = "Values that were stored, but are not plausible. Absent if there are none."
_NOTICES_DESCRIPTION = "What a search of messages and tool calls left out, in sentences. Absent if it is nothing."
Timestamp = Annotated[datetime, Meta(tz=True)]


class FieldError(Struct, forbid_unknown_fields=True):
    """One invalid field of a posted object, or one invalid parameter."""

    path: Annotated[
        str,
        Meta(description="JSON pointer into the object (empty for the whole object), or name of the parameter."),
    ]
    message: str
    index: Annotated[int | UnsetType, Meta(description="Position of the object in the body, counted from 0.")] = UNSET
    id: Annotated[str | UnsetType, Meta(description="Id of the object, if it could be read.")] = UNSET
    line: Annotated[int | UnsetType, Meta(description="Line of an NDJSON body, counted from 1.")] = UNSET

    @classmethod
    def from_problems(cls, problems: Iterable[Problem]) -> list[Self]:
        """Convert the problems of an error or a report."""
        return [msgspec.convert(problem.as_json(), cls) for problem in problems]


inspect_types(FieldError)


class ErrorDetails(Struct, forbid_unknown_fields=True):
    """The description of an error."""

    code: Annotated[str, Meta(description="Identifies the error, see the table of error codes.")]
    message: str
    fields: list[FieldError]
    request_id: Annotated[
        str | UnsetType, Meta(description="Identifies the request in the log of the server. Only with status 5xx.")
    ] = UNSET


class ErrorResponse(Struct, forbid_unknown_fields=True):
    """The response of every request that fails."""

    error: ErrorDetails


class ObjectOutcome(Struct, forbid_unknown_fields=True):
    """The response to a single posted object."""

    id: str
    outcome: Outcome
    warnings: Annotated[list[FieldError] | UnsetType, Meta(description=_WARNINGS_DESCRIPTION)] = UNSET


class BatchOutcome(Struct, forbid_unknown_fields=True):
    """The response to several posted objects: their number by outcome, and the errors of the rejected ones."""

    received: Count
    created: Count
    updated: Count
    unchanged: Count
    stale: Count
    rejected: Count
    errors: list[FieldError]
    ignored: Annotated[Count | UnsetType, Meta(description="Answers to deletions, which are no responses.")] = UNSET
    warnings: Annotated[list[FieldError] | UnsetType, Meta(description=_WARNINGS_DESCRIPTION)] = UNSET

    @classmethod
    def from_report(cls, report: IngestReport) -> Self:
        """Convert the report of a request."""
        warnings = FieldError.from_problems(report.warnings) or UNSET
        return cls(
            **report.counts,
            errors=FieldError.from_problems(report.errors),
            ignored=report.ignored or UNSET,
            warnings=warnings,
        )


class EventBatchOutcome(Struct, forbid_unknown_fields=True):
    """The response to posted stream events, of which deltas and the like are `ignored`."""

    received: Count
    created: Count
    updated: Count
    unchanged: Count
    stale: Count
    rejected: Count
    ignored: Count
    warnings: Annotated[list[FieldError], Meta(description="Events of unknown types, and implausible values.")]
    errors: list[FieldError]


class ItemPageOutcome(Struct, forbid_unknown_fields=True):
    """The response to a posted page of items."""

    id: str
    received: Count
    changed: Annotated[int, Meta(ge=0, description="Items that are new or have changed.")]


class ConversationOutcome(Struct, forbid_unknown_fields=True):
    """The response to posted conversations."""

    received: Count


class RunListResponse(Struct, forbid_unknown_fields=True, tag_field="object", tag="list"):
    """A page of runs."""

    data: Annotated[Raw, Meta(extra_json_schema={"type": "array", "items": {"$ref": "#/components/schemas/Run"}})]
    next_cursor: Annotated[
        str | None, Meta(description="Pass it as `cursor` to get the next page. Null on the last page.")
    ]
    notices: Annotated[list[str] | UnsetType, Meta(description=_NOTICES_DESCRIPTION)] = UNSET


class StepListResponse(Struct, forbid_unknown_fields=True, tag_field="object", tag="list"):
    """All steps of a run."""

    data: Annotated[Raw, Meta(extra_json_schema={"type": "array", "items": {"$ref": "#/components/schemas/Step"}})]


class LinkedRunsResponse(Struct, forbid_unknown_fields=True, tag_field="object", tag="list"):
    """The runs that are linked with a run."""

    data: Annotated[Raw, Meta(extra_json_schema={"type": "array", "items": {"$ref": "#/components/schemas/Run"}})]


class ErrorGroupsChanged(Struct, forbid_unknown_fields=True):
    """The response to a change of several error groups."""

    changed: Annotated[int, Meta(ge=0, description="The number of groups.")]


class HistoryEntryResponse(Struct, forbid_unknown_fields=True):
    """A post that was recorded: the first one, one that changed the record, or one that arrived late."""

    n: Annotated[int, Meta(ge=0, description="Position in the history, counted from 0.")]
    outcome: Outcome
    received_at: Timestamp
    key: Annotated[str | None, Meta(description="Name of the API key of the request. Null for an import.")]
    status_before: str | None
    status_after: Annotated[str | None, Meta(description="Null for a message without a status.")]
    changed: Annotated[list[str], Meta(description="Names of the fields that the post changed.")]
    conflict: Annotated[bool, Meta(description="Whether the post contradicts another one of the same state.")]


def json_object_response(
    body: Struct | list[Any], status: int = 200, headers: dict[str, str] | None = None
) -> JsonResponse:
    """Render `body`. Strings are escaped to ASCII, because posted texts may hold lone surrogates."""
    return JsonResponse(msgspec.to_builtins(body), status=status, headers=headers, safe=False)


def raw_json_response(body: Struct) -> HttpResponse:
    """Render a `body` without copying its parts. Posted objects in it stay exactly as they are stored."""
    return HttpResponse(msgspec.json.encode(body), content_type="application/json")


def join_array(raw_objects: Iterable[bytes]) -> Raw:
    """Join JSON texts to a JSON array."""
    return Raw(b"[" + b",".join(raw_objects) + b"]")
