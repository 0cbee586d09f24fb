"""Build export requests of spans that are sent to other tools, as OTLP JSON or protobuf."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from runs.protocol.lossless_json import decode_json, join_members
from runs.protocol.otlp.export_requests import TRACES, RecordOrigin
from runs.protocol.otlp.protobuf_json import decode_otlp_message

# Of one request. OpenTelemetry's exporters send as many spans by default; a larger span makes a request of its own.
MAX_SPANS_PER_REQUEST = 512
MAX_BYTES_PER_REQUEST = 1024 * 1024


class OutgoingSpan(Struct, frozen=True):
    """A span that is sent: its OTLP JSON, and the resource and the scope that it comes from."""

    origin: RecordOrigin
    body: bytes


def batch_spans(spans: Iterable[OutgoingSpan]) -> Iterator[list[OutgoingSpan]]:
    """Yield the spans in batches that fit into a request, in their order."""
    batch: list[OutgoingSpan] = []
    size = 0
    for span in spans:
        if batch and (len(batch) >= MAX_SPANS_PER_REQUEST or size + len(span.body) > MAX_BYTES_PER_REQUEST):
            yield batch
            batch, size = [], 0
        batch.append(span)
        size += len(span.body)
    if batch:
        yield batch


def encode_json_request(spans: Sequence[OutgoingSpan]) -> bytes:
    """Return an ExportTraceServiceRequest as OTLP JSON on one line, in which every span is as it is stored."""
    resources: dict[tuple[bytes, str], dict[tuple[bytes, str], list[bytes]]] = {}
    for span in spans:
        origin = span.origin
        scopes = resources.setdefault((origin.resource, origin.resource_schema_url), {})
        scopes.setdefault((origin.scope, origin.scope_schema_url), []).append(span.body)
    resource_spans = [
        _join_parts(
            "resource", *resource, TRACES.scopes, [_encode_scope(*scope, bodies) for scope, bodies in of.items()]
        )
        for resource, of in resources.items()
    ]
    return join_members({TRACES.resources: _join_array(resource_spans)})


def encode_protobuf_request(spans: Sequence[OutgoingSpan]) -> bytes:
    """Return an ExportTraceServiceRequest as protobuf. What protobuf can't hold is left out."""
    members = decode_json(encode_json_request(spans))
    request = ExportTraceServiceRequest(**decode_otlp_message(ExportTraceServiceRequest.DESCRIPTOR, members))
    content: bytes = request.SerializeToString()
    return content


def _encode_scope(scope: bytes, schema_url: str, bodies: list[bytes]) -> bytes:
    return _join_parts("scope", scope, schema_url, TRACES.records, bodies)


def _join_parts(name: str, content: bytes, schema_url: str, children_name: str, children: list[bytes]) -> bytes:
    members = {name: content, children_name: _join_array(children)}
    if schema_url:
        members["schemaUrl"] = msgspec.json.encode(schema_url)
    return join_members(members)


def _join_array(elements: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(elements) + b"]"
