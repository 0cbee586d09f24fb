"""Build export requests in both encodings."""

import json
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def json_span(**members: Any) -> dict[str, Any]:
    return {"traceId": TRACE_ID, "spanId": SPAN_ID, "name": "chat", **members}


def json_request(*spans: Any, resource: Any = None, scope: Any = None) -> bytes:
    scope_spans = {"scope": scope or {"name": "test"}, "spans": list(spans)}
    return json.dumps({"resourceSpans": [{"resource": resource or {}, "scopeSpans": [scope_spans]}]}).encode()


def protobuf_span(**members: Any) -> Span:
    return Span(**{"trace_id": bytes.fromhex(TRACE_ID), "span_id": bytes.fromhex(SPAN_ID), **members})


def protobuf_request(*spans: Span) -> bytes:
    resource_spans = ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])
    return ExportTraceServiceRequest(resource_spans=[resource_spans]).SerializeToString()
