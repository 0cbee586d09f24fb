"""Decorators that describe a view's methods: `@described(post=takes(...), get=...)`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from drf_spectacular.utils import extend_schema_view as described

from runs.analytics.usage.query import USAGE_MEASURES, USAGE_RANGES, USAGE_SPLITS
from runs.api.openapi import examples as words
from runs.api.openapi.components import JsonSchema, schema_ref
from runs.ingest.request_bodies import MAX_OBJECTS_PER_BODY
from runs.query.fields import CHOICE_PARAMS, QUERY_FIELDS, ChoiceParam
from runs.query.order import RUN_SORTS

__all__ = ["RUN_ID", "answers", "described", "run_filters", "serves", "takes", "takes_events", "usage_question"]

JSON = "application/json"
NDJSON = "application/x-ndjson"
STREAM = "text/event-stream"
RUN_ID = OpenApiParameter("run_id", str, OpenApiParameter.PATH, required=True, description="A run's `id`.")

_Operation = Callable[[Any], Any]
_ERRORS = {
    400: "Nothing was stored, or nothing found: `fields` says what is wrong.",
    401: "There is no API key, or it is not known, or it was revoked.",
    403: "The API key lacks the scope.",
    404: "There is no such run in the key's project.",
    406: "Neither JSON nor YAML is accepted.",
    408: "The next bytes of the body did not come in time.",
    413: "The body is too large, or holds too many objects.",
    415: "The content type or encoding is not accepted.",
    503: "The database is away, or too busy. Come back later; nothing was stored.",
}
_FORMS = (
    f"Up to {MAX_OBJECTS_PER_BODY:,} objects: one, an array, a list envelope, or one a line. The body may be packed: "
    "`Content-Encoding: gzip` or `zstd`. Objects that are refused leave the others alone."
)
_LINES: JsonSchema = {"type": "string", "minLength": 1, "description": "A JSON object a line."}
_STREAM: JsonSchema = {"type": "string", "minLength": 1, "description": "Server-sent events as they were recorded."}


def takes(component: str, example: dict[str, Any], path_name: str) -> _Operation:
    """An endpoint to which objects of one kind are posted."""
    one, many = schema_ref("Verdict"), schema_ref("Report")
    return extend_schema(
        operation_id=f"post_{path_name}",
        summary=f"Post {path_name}",
        description=f"Needs the scope `ingest`. {_FORMS}",
        tags=["Posting"],
        request={JSON: _forms(schema_ref(component)), NDJSON: _LINES},
        responses={
            200: OpenApiResponse({"anyOf": [one, many]}, "One object that was known, or many: all accepted."),
            201: OpenApiResponse(one, "One object that is new."),
            207: OpenApiResponse(many, "Many objects of which some were refused."),
            **_errors(400, 401, 403, 408, 413, 415, 503),
        },
        parameters=_response_headers(),
        examples=[
            _request("One object", example, JSON),
            _request("An array", [example], JSON),
            _request("A list envelope", {"object": "list", "data": [example]}, JSON),
            _request("Lines", words.to_ndjson_line(example), NDJSON),
            *_verdicts(example),
        ],
    )


def takes_events() -> _Operation:
    """The endpoint to which stream events are posted."""
    event: JsonSchema = {
        "type": "object",
        "properties": {"event": {"type": "string"}, "data": {}},
        "required": ["event", "data"],
        "additionalProperties": False,
    }
    answer = schema_ref("EventReport")
    return extend_schema(
        operation_id="post_events",
        summary="Post stream events",
        description=f"Needs the scope `ingest`. Deltas, pings and `[DONE]` are counted as ignored. {_FORMS}",
        tags=["Posting"],
        request={JSON: _forms(event), NDJSON: _LINES, STREAM: _STREAM},
        responses={
            200: OpenApiResponse(answer, "All events were stored or ignored."),
            207: OpenApiResponse(answer, "Some events were refused."),
            **_errors(400, 401, 403, 408, 413, 415, 503),
        },
        parameters=_response_headers(),
        examples=[
            _request("One event", words.EVENT_EXAMPLE, JSON),
            _request("Lines", words.to_ndjson_line(words.EVENT_EXAMPLE), NDJSON),
            _request("A recorded stream", words.STREAM_EXAMPLE, STREAM),
        ],
    )


def answers(
    name: str,
    summary: str,
    answer: JsonSchema | None,
    *errors: int,
    parameters: Iterable[OpenApiParameter] = (),
    scope: str = "read",
) -> _Operation:
    """An endpoint without a body, which answers 200 with `answer`, or 204 where there is none."""
    return extend_schema(
        operation_id=name,
        summary=summary,
        description=f"Needs the scope `{scope}`.",
        tags=["Runs"],
        request=None,
        responses={
            200 if answer else 204: OpenApiResponse(answer, summary),
            **_errors(400, 401, 403, *errors, 503),
        },
        parameters=[*parameters, *_response_headers()],
    )


def serves(name: str, summary: str, contents: dict[str, JsonSchema], *errors: int) -> _Operation:
    """An endpoint for everybody, which answers with one of `contents`, by media type."""
    found = {(200, media_type): OpenApiResponse(schema, summary) for media_type, schema in contents.items()}
    refused = {(status, JSON): answer for status, answer in _errors(*errors).items()}
    return extend_schema(
        operation_id=name,
        summary=summary,
        description="Needs no API key.",
        tags=["This document"],
        auth=[],
        request=None,
        responses={**found, **refused},
    )


def run_filters(largest_page: int, page: int) -> list[OpenApiParameter]:
    """The parameters of the run list: its filters, and where and how long a page is."""
    limit = {"type": "integer", "minimum": 1, "maximum": largest_page, "default": page}
    return [
        *_filters(),
        OpenApiParameter(
            "sort", str, enum=RUN_SORTS, description="In which order; with `-` the largest or newest first."
        ),
        OpenApiParameter("limit", limit, description="How many runs a page holds at most."),
        OpenApiParameter("cursor", str, description="The `next_cursor` of the page before."),
    ]


def usage_question() -> list[OpenApiParameter]:
    """The filters of the run list, and what is asked of the runs that match."""
    splits = f"{', '.join(f'`{each}`' for each in USAGE_SPLITS)} (of token), or `metadata.KEY` with any key."
    return [
        *_filters(),
        OpenApiParameter("range", str, enum=USAGE_RANGES, description="A time up to now, in place of `from` and `to`."),
        OpenApiParameter("split", str, description=f"By what groups are made: {splits}"),
        OpenApiParameter("measure", str, enum=USAGE_MEASURES, description="By which groups are in order."),
        OpenApiParameter("zone", str, description="In which days begin, such as `Europe/Berlin`; UTC without one."),
    ]


def _filters() -> list[OpenApiParameter]:
    moment = "`2026-05-01`, `2026-05-01T14:30:00Z`, or `-24h` (s, m, h, d, w) before now."
    examples = ", ".join(f"`{field.examples[0]}`" for field in QUERY_FIELDS)
    return [
        OpenApiParameter("q", str, description=f"A search in words: {examples}, and so on."),
        *(_choice(field) for field in CHOICE_PARAMS),
        OpenApiParameter("from", str, description=f"Created since: {moment}"),
        OpenApiParameter("to", str, description=f"Created before: {moment}"),
    ]


def _choice(field: ChoiceParam) -> OpenApiParameter:
    known = f" Known are {', '.join(field.known_values)}." if field.known_values else ""
    text = f"{field.label}; may be given several times, for alternatives.{known}"
    alternatives = {"type": "array", "items": {"type": "string", "minLength": 1}}
    return OpenApiParameter(field.name, alternatives, description=text)


def _forms(one: JsonSchema) -> JsonSchema:
    many = {"type": "array", "items": one, "maxItems": MAX_OBJECTS_PER_BODY}
    envelope = {
        "title": "list",
        "type": "object",
        "properties": {"object": {"const": "list"}, "data": many},
        "required": ["object", "data"],
        "additionalProperties": True,
    }
    return {"oneOf": [one, many, envelope]}


def _errors(*statuses: int) -> dict[int, OpenApiResponse]:
    return {status: OpenApiResponse(schema_ref("Error"), _ERRORS[status]) for status in statuses}


def _response_headers() -> list[OpenApiParameter]:
    return [
        OpenApiParameter("Retry-After", int, "header", description="Seconds.", response=[503]),
        OpenApiParameter("WWW-Authenticate", str, "header", description="`Bearer`", response=[401]),
    ]


def _request(name: str, value: Any, media_type: str) -> OpenApiExample:
    return OpenApiExample(name, value, request_only=True, media_type=media_type)


def _verdicts(example: dict[str, Any]) -> list[OpenApiExample]:
    refused = {"created": 2, "updated": 0, "unchanged": 0, "stale": 0, "rejected": 1}
    answers = [
        ("Created", {"id": example["id"], "outcome": "created"}, "201"),
        ("Known", {"id": example["id"], "outcome": "unchanged"}, "200"),
        ("Some refused", {"received": 3, **refused, "errors": [words.PROBLEM_EXAMPLE]}, "207"),
        ("Refused", {"error": words.ERROR_EXAMPLE}, "400"),
    ]
    return [OpenApiExample(name, value, response_only=True, status_codes=[status]) for name, value, status in answers]
