"""Build spans of agents as OTLP JSON, and post them."""

import itertools
import json
from collections.abc import Iterable
from typing import Any

from runs.models import Project
from runs.protocol.otlp.export_requests import TRACES, split_export_request
from runs.traces.ingest import TraceIngestReport, ingest_spans
from tests.factories import NOW

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
_numbers = itertools.count(1)


def otel_span(operation: str | None = None, parent: dict[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
    """Return a span of a second. Pass members such as `spanId` or `flags` with `members`."""
    members = attributes.pop("members", {})
    number = next(_numbers)
    start = (NOW + attributes.pop("start", 0)) * 10**9
    if operation is not None:
        attributes["gen_ai.operation.name"] = operation
    span = {
        "traceId": TRACE_ID,
        "spanId": f"{number:016x}",
        "name": operation or "GET",
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 10**9),
        "attributes": [{"key": key, "value": any_value(value)} for key, value in attributes.items()],
    }
    if parent is not None:
        span["parentSpanId"] = parent["spanId"]
    return span | members


def agent(name: str = "planner", parent: dict[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
    return otel_span("invoke_agent", parent, **{"gen_ai.agent.name": name, **attributes})


def chat(parent: dict[str, Any] | None = None, tokens: tuple[int, int] = (10, 5), **attributes: Any) -> dict[str, Any]:
    usage = {"gen_ai.usage.input_tokens": tokens[0], "gen_ai.usage.output_tokens": tokens[1]}
    return otel_span("chat", parent, **{"gen_ai.request.model": "gpt-4o-mini", **usage, **attributes})


def tool(name: str, parent: dict[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
    return otel_span("execute_tool", parent, **{"gen_ai.tool.name": name, **attributes})


def messages(*said: tuple[str, str]) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in said])


def any_value(value: Any) -> dict[str, Any]:
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(element) for element in value]}}
    return {"stringValue": value}


def otlp_body(spans: Iterable[dict[str, Any]], service: str = "trips", scope: str = "test") -> bytes:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    scope_spans = [{"scope": {"name": scope}, "spans": list(spans)}]
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": scope_spans}]}).encode()


def ingest_otlp(project: Project, *spans: dict[str, Any], **origin: str) -> TraceIngestReport:
    return ingest_spans(project, split_export_request(TRACES, otlp_body(spans, **origin), "application/json"))
