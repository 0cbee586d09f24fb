"""Split the body of an export request into its records, each with the resource and the scope that it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import msgspec
from google.protobuf.message import DecodeError, Message
from msgspec import Struct
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from runs.errors import InvalidObject, Problem, TooManyObjects, UnreadableBody, UnsupportedBody
from runs.protocol.lossless_json import compact_json, decode_json, split_array, split_object
from runs.protocol.otlp.protobuf_fields import split_protobuf
from runs.protocol.otlp.protobuf_json import encode_otlp_message

MAX_OTLP_RECORDS = 20_000  # in one request; exporters send batches of 512
PROTOBUF_TYPES = ("application/x-protobuf", "application/protobuf")
JSON_TYPE = "application/json"


class RecordOrigin(Struct, frozen=True):
    """The resource and the scope of records, as OTLP JSON, with the URLs of their schemas."""

    resource: bytes = b"{}"
    scope: bytes = b"{}"
    resource_schema_url: str = ""
    scope_schema_url: str = ""


class OtlpItem(Struct, frozen=True):
    """A record of an export request, not parsed yet. `index` counts the records of the request from 0.

    `path` is the JSON Pointer of the record in the request as OTLP JSON. `load` returns the record as OTLP JSON, and
    raises InvalidObject or UnreadableBody.
    """

    index: int
    path: str
    origin: RecordOrigin
    size: int
    load: Callable[[], bytes]


@dataclass(frozen=True)
class OtlpSignal:
    """A kind of export request. The field numbers of all kinds are the same."""

    resources: str
    scopes: str
    records: str
    message: type[Message] = field(repr=False)


TRACES = OtlpSignal("resourceSpans", "scopeSpans", "spans", Span)
LOGS = OtlpSignal("resourceLogs", "scopeLogs", "logRecords", LogRecord)


def split_export_request(signal: OtlpSignal, content: bytes, content_type: str) -> Iterator[OtlpItem]:
    """Yield the records of a request.

    Raises:
        UnsupportedBody: the content type is neither protobuf nor JSON.
        UnreadableBody: the request is malformed.
        TooManyObjects: there are more than `MAX_OTLP_RECORDS`.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in PROTOBUF_TYPES:
        items = _split_protobuf_request(signal, content)
    elif media_type == JSON_TYPE:
        items = _split_json_request(signal, content)
    else:
        expected = f"expected {PROTOBUF_TYPES[0]} or {JSON_TYPE}"
        raise UnsupportedBody(f"Unsupported Content-Type {media_type or '(none)'}: {expected}")
    for index, (path, origin, size, load) in enumerate(items):
        _check_count(signal.records, index)
        yield OtlpItem(index, path, origin, size, load)


def _check_count(name: str, index: int) -> None:
    if index >= MAX_OTLP_RECORDS:
        raise TooManyObjects(
            f"The request has more than {MAX_OTLP_RECORDS:,} {name}, the most in one request: send smaller batches"
        )


_Split = Iterator[tuple[str, RecordOrigin, int, Callable[[], bytes]]]


# JSON


def _split_json_request(signal: OtlpSignal, content: bytes) -> _Split:
    scope_numbers = count()
    resources = _elements(split_object(content), signal.resources)
    for i, raw_resource in enumerate(resources):
        resource = split_object(raw_resource)
        for j, raw_scope in enumerate(_elements(resource, signal.scopes)):
            _check_count(signal.scopes, next(scope_numbers))
            scope = split_object(raw_scope)
            origin = RecordOrigin(
                _object_text(resource, "resource"),
                _object_text(scope, "scope"),
                _string(resource, "schemaUrl"),
                _string(scope, "schemaUrl"),
            )
            for k, raw in enumerate(_elements(scope, signal.records)):
                path = f"/{signal.resources}/{i}/{signal.scopes}/{j}/{signal.records}/{k}"
                yield path, origin, len(raw), partial(compact_json, raw)


def _elements(members: dict[str, bytes], name: str) -> list[bytes]:
    raw = members.get(name, b"null")
    if raw == b"null":
        return []
    if not raw.startswith(b"["):
        raise UnreadableBody(f"{name}: expected an array")
    return split_array(raw, MAX_OTLP_RECORDS)


def _object_text(members: dict[str, bytes], name: str) -> bytes:
    raw = members.get(name, b"{}")
    return compact_json(raw) if raw.startswith(b"{") else b"{}"


def _string(members: dict[str, bytes], name: str) -> str:
    value = decode_json(members.get(name, b'""'))
    return value if isinstance(value, str) else ""


# Protobuf. The numbers of the fields are those of ExportTraceServiceRequest, ResourceSpans and ScopeSpans.


def _split_protobuf_request(signal: OtlpSignal, content: bytes) -> _Split:
    scope_numbers = count()
    for i, raw_resource in enumerate(_field_contents(content, 1)):
        _check_count(signal.resources, i)
        resource = dict(split_protobuf(raw_resource))
        resource_text = _to_json(Resource, resource.get(1, b""))
        for j, raw_scope in enumerate(_field_contents(raw_resource, 2)):
            _check_count(signal.scopes, next(scope_numbers))
            scope = dict(split_protobuf(raw_scope))
            origin = RecordOrigin(
                resource_text,
                _to_json(InstrumentationScope, scope.get(1, b"")),
                resource.get(3, b"").decode(errors="replace"),
                scope.get(3, b"").decode(errors="replace"),
            )
            for k, raw in enumerate(_field_contents(raw_scope, 2)):
                path = f"/{signal.resources}/{i}/{signal.scopes}/{j}/{signal.records}/{k}"
                yield path, origin, len(raw), partial(_to_json, signal.message, raw)


def _field_contents(message: bytes, number: int) -> Iterator[bytes]:
    return (content for found, content in split_protobuf(message) if found == number)


def _to_json(message_type: type[Message], content: bytes) -> bytes:
    try:
        message = message_type.FromString(content)
    except DecodeError as error:
        name = message_type.DESCRIPTOR.name
        raise InvalidObject(problems=[Problem("", f"not a protobuf message of type {name}: {error}")]) from error
    members: dict[str, Any] = encode_otlp_message(message)
    return msgspec.json.encode(members)
