"""Descriptions of API operations, for drf-spectacular's decorator `extend_schema_view`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from msgspec import Struct

from runs.analytics.usage.query import USAGE_MEASURES, USAGE_RANGES, USAGE_SPLITS
from runs.api.openapi.examples import (
    CONVERSATION_EXAMPLE,
    ERROR_EXAMPLE,
    EVENT_EXAMPLE,
    EVENT_STREAM_EXAMPLE,
    FIELD_ERROR_EXAMPLE,
    ITEM_PAGE_EXAMPLE,
    to_ndjson_line,
)
from runs.api.openapi.guide import ERROR_CODES
from runs.api.openapi.schemas import JsonSchema, schema_ref
from runs.api.responses import (
    BatchOutcome,
    ConversationOutcome,
    ErrorResponse,
    EventBatchOutcome,
    ItemPageOutcome,
    ObjectOutcome,
)
from runs.ingest.request_bodies import MAX_OBJECTS_PER_BODY
from runs.query.fields import CHOICE_PARAMS, QUERY_FIELDS, ChoiceParam
from runs.query.order import RUN_SORTS

_JSON = "application/json"
_NDJSON = "application/x-ndjson"
_EVENT_STREAM = "text/event-stream"
_TIME = "`2026-05-01`, `2026-05-01T14:30:00Z`, or relative to now: `-24h` (s, m, h, d, w)."
_INGEST_ERRORS = (400, 401, 403, 408, 413, 415, 503)
_NDJSON_SCHEMA: JsonSchema = {"type": "string", "minLength": 1, "description": "One JSON object per line."}
_EVENT_STREAM_SCHEMA: JsonSchema = {
    "type": "string",
    "minLength": 1,
    "description": "Server-sent events as a client recorded them.",
}
RESPONSE_HEADERS = [
    OpenApiParameter("Retry-After", int, "header", description="Seconds to wait.", response=[503]),
    OpenApiParameter("WWW-Authenticate", str, "header", description="`Bearer`.", response=[401]),
]

RUN_ID_PARAM = OpenApiParameter(
    "run_id", str, OpenApiParameter.PATH, required=True, description="The `id` of the run, as it was posted."
)
STEP_ID_PARAM, MESSAGE_ID_PARAM = (
    OpenApiParameter(
        f"{name}_id",
        str,
        OpenApiParameter.PATH,
        required=True,
        description=f"The `id` of the {name}, as it was posted.",
    )
    for name in ("step", "message")
)
RESPONSE_ID_PARAM, CONVERSATION_ID_PARAM = (
    OpenApiParameter(f"{name}_id", str, OpenApiParameter.PATH, required=True, description=f"The `id` of the {name}.")
    for name in ("response", "conversation")
)
VERSION_PARAM = OpenApiParameter(
    "n", int, OpenApiParameter.PATH, required=True, description="The position of the post in the history."
)

THREAD_ID_PARAM = OpenApiParameter(
    "thread_id", str, OpenApiParameter.PATH, required=True, description="The `thread_id` of its runs and messages."
)

_Decorator = Callable[[Any], Any]


def describe_ingest(plural: str, schema_name: str, example: dict[str, Any], description: str) -> _Decorator:
    """Describe an operation that stores objects of one type.

    Args:
        plural: The objects, as in the path.
        schema_name: The schema of one object.
        example: One object.
        description: A sentence that says what the operation stores.
    """
    counts = {"received": 3, "created": 2, "updated": 0, "unchanged": 0, "stale": 0, "rejected": 1}
    return extend_schema(
        operation_id=f"post_{plural}",
        summary=f"Post {plural}",
        description=f"{description} See *Posting objects*. Requires the scope `ingest`.",
        tags=["Posting"],
        request={_JSON: _body_schema(schema_ref(schema_name)), _NDJSON: _NDJSON_SCHEMA},
        responses={
            200: OpenApiResponse(
                {"anyOf": [schema_ref(ObjectOutcome), schema_ref(BatchOutcome)]},
                "A single object that was known already, or several objects that were all accepted.",
            ),
            201: OpenApiResponse(ObjectOutcome, "A single new object."),
            207: OpenApiResponse(BatchOutcome, "Several objects, some of which were rejected."),
            **build_error_responses(*_INGEST_ERRORS),
        },
        parameters=RESPONSE_HEADERS,
        examples=[
            _request_example("Single object", example, _JSON),
            _request_example("Array", [example], _JSON),
            _request_example("List envelope", {"object": "list", "data": [example]}, _JSON),
            _request_example("NDJSON", to_ndjson_line(example), _NDJSON),
            _response_example("New object", 201, {"id": example["id"], "outcome": "created"}),
            _response_example("Known object", 200, {"id": example["id"], "outcome": "unchanged"}),
            _response_example("Several objects, one rejected", 207, {**counts, "errors": [FIELD_ERROR_EXAMPLE]}),
            _response_example("Invalid object", 400, {"error": ERROR_EXAMPLE}),
        ],
    )


def describe_item_ingest(name: str, owner: str, owner_param: OpenApiParameter) -> _Decorator:
    """Describe the operation that stores a page of the items of `owner`."""
    params = [
        OpenApiParameter("order", str, enum=["asc", "desc"], default="desc", description="The order of the page."),
        OpenApiParameter("after", str, description="The item after which the page began, if it was given."),
    ]
    page_schema: JsonSchema = {
        "type": "object",
        "properties": {"data": {"type": "array", "items": {"type": "object", "required": ["id", "type"]}}},
        "required": ["data"],
    }
    return extend_schema(
        operation_id=f"post_{name}",
        summary=f"Post {name.replace('_', ' ')}",
        description=f"Stores a page of the items of {owner}, as it was downloaded. Pages may be posted in any order "
        "and repeatedly; with `after`, each finds its place. Requires the scope `ingest`.",
        tags=["Posting"],
        request={_JSON: page_schema},
        responses={
            200: OpenApiResponse(ItemPageOutcome, "All items of the page are stored."),
            **build_error_responses(*_INGEST_ERRORS),
        },
        parameters=[owner_param, *params, *RESPONSE_HEADERS],
        examples=[_request_example("Page", ITEM_PAGE_EXAMPLE, _JSON)],
    )


def describe_conversation_ingest() -> _Decorator:
    """Describe the operation that stores conversations."""
    conversation: JsonSchema = {
        "type": "object",
        "properties": {"id": {"type": "string"}, "object": {"const": "conversation"}},
        "required": ["id", "object"],
    }
    return extend_schema(
        operation_id="post_conversations",
        summary="Post conversations",
        description="Stores `conversation` objects, for reading them back. Requires the scope `ingest`.",
        tags=["Posting"],
        request={_JSON: _body_schema(conversation), _NDJSON: _NDJSON_SCHEMA},
        responses={
            200: OpenApiResponse(ConversationOutcome, "All conversations are stored."),
            **build_error_responses(*_INGEST_ERRORS),
        },
        parameters=RESPONSE_HEADERS,
        examples=[
            _request_example("Conversation", CONVERSATION_EXAMPLE, _JSON),
            _request_example("NDJSON", to_ndjson_line(CONVERSATION_EXAMPLE), _NDJSON),
        ],
    )


def describe_event_ingest() -> _Decorator:
    """Describe the operation that stores the objects in stream events."""
    event_schema: JsonSchema = {
        "type": "object",
        "properties": {"event": {"type": "string"}, "data": {}},
        "required": ["event", "data"],
        "additionalProperties": False,
    }
    return extend_schema(
        operation_id="post_events",
        summary="Post stream events",
        description='Stores the objects that stream events carry: `{"event": …, "data": …}`, or a recorded '
        "`text/event-stream`. Deltas, pings and `[DONE]` are counted as ignored. See *Posting objects*. "
        "Requires the scope `ingest`.",
        tags=["Posting"],
        request={
            _JSON: _body_schema(event_schema),
            _NDJSON: _NDJSON_SCHEMA,
            _EVENT_STREAM: _EVENT_STREAM_SCHEMA,
        },
        responses={
            200: OpenApiResponse(EventBatchOutcome, "All events were stored or ignored."),
            207: OpenApiResponse(EventBatchOutcome, "Some events were rejected."),
            **build_error_responses(*_INGEST_ERRORS),
        },
        parameters=RESPONSE_HEADERS,
        examples=[
            _request_example("Single event", EVENT_EXAMPLE, _JSON),
            _request_example("NDJSON", to_ndjson_line(EVENT_EXAMPLE), _NDJSON),
            _request_example("Recorded stream", EVENT_STREAM_EXAMPLE, _EVENT_STREAM),
        ],
    )


def describe_read(
    operation_id: str,
    summary: str,
    response: type[Struct] | JsonSchema,
    description: str,
    *errors: int,
    params: Iterable[OpenApiParameter] = (),
    tag: str = "Runs",
) -> _Decorator:
    """Describe an operation that requires the scope `read` and answers with `response`.

    `errors` are statuses other than those that every operation has.
    """
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=f"{description} Requires the scope `read`.",
        tags=[tag],
        request=None,
        responses={200: OpenApiResponse(response, summary), **build_error_responses(400, 401, 403, *errors, 503)},
        parameters=[*params, *RESPONSE_HEADERS],
    )


def describe_deletion(
    operation_id: str, summary: str, description: str, *, params: Iterable[OpenApiParameter]
) -> _Decorator:
    """Describe an operation that deletes an object and answers without a body."""
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=f"{description} A repeated request continues a deletion that was interrupted. Requires the scope "
        "`delete`.",
        tags=["Runs"],
        request=None,
        responses={204: OpenApiResponse(None, "Deleted"), **build_error_responses(400, 401, 403, 404, 503)},
        parameters=[*params, *RESPONSE_HEADERS],
    )


def describe_public_read(
    operation_id: str, summary: str, contents: dict[str, JsonSchema], description: str, *errors: int
) -> _Decorator:
    """Describe an operation without authentication. `contents` are the schemas by media type."""
    responses = {(200, media_type): OpenApiResponse(schema, summary) for media_type, schema in contents.items()}
    error_responses = {(status, _JSON): response for status, response in build_error_responses(*errors).items()}
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=f"{description} Requires no API key.",
        tags=["Documentation"],
        auth=[],
        request=None,
        responses={**responses, **error_responses},
    )


def run_list_params(default_limit: int, max_limit: int) -> list[OpenApiParameter]:
    """Return the parameters of the run list: filters, order and page."""
    limit = {"type": "integer", "minimum": 1, "maximum": max_limit, "default": default_limit}
    return [
        *run_filter_params(),
        OpenApiParameter(
            "sort",
            str,
            enum=RUN_SORTS,
            description="The sort order; with `-`, the largest or newest first. Default: -created.",
        ),
        OpenApiParameter("limit", limit, description="The number of runs per page."),
        OpenApiParameter("cursor", str, description="The `next_cursor` of the previous page."),
    ]


def usage_params() -> list[OpenApiParameter]:
    """Return the parameters of the usage report: filters, period and groups."""
    splits = ", ".join(f"`{split}`" for split in USAGE_SPLITS)
    return [
        *run_filter_params(),
        OpenApiParameter(
            "range",
            str,
            enum=USAGE_RANGES,
            description="Hours or days up to now, including the current one; instead of `from` and `to`. Default: 30d.",
        ),
        OpenApiParameter(
            "split",
            str,
            description=f"What the groups are: {splits} (of tokens), or `metadata.KEY`. Default: model.",
        ),
        OpenApiParameter(
            "measure", str, enum=USAGE_MEASURES, description="What the groups are sorted by. Default: tokens."
        ),
        OpenApiParameter(
            "zone", str, description="The time zone in which days start, such as `Europe/Berlin`. Default: UTC."
        ),
    ]


def run_filter_params() -> list[OpenApiParameter]:
    """Return the parameters that select runs."""
    examples = ", ".join(f"`{field.examples[0]}`" for field in QUERY_FIELDS[:6])
    return [
        OpenApiParameter("q", str, description=f"A query, such as {examples}. See *Query language*."),
        *(_choice_param(param) for param in CHOICE_PARAMS),
        OpenApiParameter("from", str, description=f"Created at or after this time: {_TIME}"),
        OpenApiParameter("to", str, description=f"Created before this time: {_TIME}"),
    ]


def _choice_param(param: ChoiceParam) -> OpenApiParameter:
    known_values = f" Known values: {', '.join(param.known_values)}." if param.known_values else ""
    values = {"type": "array", "items": {"type": "string", "minLength": 1}}
    return OpenApiParameter(
        param.name, values, description=f"{param.label}. Repeat the parameter for alternatives.{known_values}"
    )


def _body_schema(object_schema: JsonSchema) -> JsonSchema:
    """Return the schema of a JSON body: one object, an array or a list envelope."""
    array = {"type": "array", "items": object_schema, "maxItems": MAX_OBJECTS_PER_BODY}
    envelope = {
        "title": "list",
        "type": "object",
        "properties": {"object": {"const": "list"}, "data": array},
        "required": ["object", "data"],
        "additionalProperties": True,
    }
    return {"oneOf": [object_schema, array, envelope]}


def build_error_responses(*statuses: int) -> dict[int, OpenApiResponse]:
    """Return the responses for `statuses`, described by the meanings of their error codes."""
    responses = {}
    for status in statuses:
        meanings = [f"`{code}`: {text}" for code, (code_status, text) in ERROR_CODES.items() if code_status == status]
        responses[status] = OpenApiResponse(ErrorResponse, " ".join(meanings))
    return responses


def _request_example(name: str, value: Any, media_type: str) -> OpenApiExample:
    return OpenApiExample(name, value, request_only=True, media_type=media_type)


def _response_example(name: str, status: int, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=[str(status)])
