"""Descriptions of the operations of OTLP/HTTP, whose bodies and errors are those of OpenTelemetry's specification."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from runs.api.openapi.examples import AGENTS_EXPORT_EXAMPLE, EXPORT_EXAMPLES
from runs.api.openapi.schemas import JsonSchema
from runs.protocol.otlp.export_requests import JSON_TYPE, PROTOBUF_TYPES

OTLP_TAG = "OpenTelemetry"
_PROTOBUF: JsonSchema = {"type": "string", "format": "binary"}
_STATUS: JsonSchema = {
    "title": "google.rpc.Status",
    "type": "object",
    "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
    "required": ["code", "message"],
}
# Exporters try again after 503 only. 408 is not among the statuses of OTLP: a slow body is answered with 503.
_ERRORS = {
    400: "The body is malformed.",
    401: "There is no API key, or it is unknown, revoked or expired.",
    403: "The API key lacks the scope.",
    413: "The body is too large, or has too many records.",
    415: "The content type or the content encoding is not supported.",
    503: "Try again after the time in `Retry-After`.",
}


def describe_otlp_export(name: str, resources: str, rejected_name: str, description: str) -> Callable[[Any], Any]:
    """Describe an export request.

    Args:
        name: What is exported, as at the end of the path.
        resources: The member of the request that holds everything.
        rejected_name: The member of the response that counts rejected records.
        description: Sentences that say what the operation stores.
    """
    request: JsonSchema = {"type": "object", "properties": {resources: {"type": "array", "items": {"type": "object"}}}}
    partial: JsonSchema = {
        "type": "object",
        "properties": {rejected_name: {"type": "string"}, "errorMessage": {"type": "string"}},
    }
    outcome: JsonSchema = {"type": "object", "properties": {"partialSuccess": partial}}
    return _describe(
        f"export_{name}", f"Export {name}", description,
        {JSON_TYPE: request, PROTOBUF_TYPES[0]: _PROTOBUF}, outcome, EXPORT_EXAMPLES[name],
    )  # fmt: skip


def describe_agents_export() -> Callable[[Any], Any]:
    """Describe the operation to which OpenAI's Agents SDK posts by itself."""
    data: JsonSchema = {"type": "array", "items": {"type": "object", "required": ["object", "id"]}}
    request: JsonSchema = {"type": "object", "properties": {"data": data}, "required": ["data"]}
    return _describe(
        "export_agents_traces", "Export traces of the OpenAI Agents SDK",
        "Stores the traces and spans that the SDK's own exporter posts.",
        {JSON_TYPE: request}, {"type": "object"}, AGENTS_EXPORT_EXAMPLE,
    )  # fmt: skip


def _describe(
    operation_id: str, summary: str, description: str, bodies: dict[str, JsonSchema], outcome: JsonSchema, example: Any
) -> Callable[[Any], Any]:
    answers = dict.fromkeys(bodies, _PROTOBUF) | {JSON_TYPE: outcome}
    errors = dict.fromkeys(bodies, _PROTOBUF) | {JSON_TYPE: _STATUS}
    responses = {(200, media_type): OpenApiResponse(schema, "Stored.") for media_type, schema in answers.items()}
    responses |= {
        (status, media_type): OpenApiResponse(schema, meaning)
        for status, meaning in _ERRORS.items()
        for media_type, schema in errors.items()
    }
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=f"{description} Answered in the encoding of the request. Requires the scope `ingest`.",
        tags=[OTLP_TAG],
        request=bodies,
        responses=responses,
        parameters=[
            OpenApiParameter("Retry-After", int, "header", description="Seconds to wait.", response=[503]),
            OpenApiParameter("WWW-Authenticate", str, "header", description="`Bearer`.", response=[401]),
        ],
        examples=[OpenApiExample("Request", example, request_only=True, media_type=JSON_TYPE)],
    )
