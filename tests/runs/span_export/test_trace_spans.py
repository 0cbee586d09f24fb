"""Tests that spans leave as they came."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from runs.models import Message, Project, Run, Span, SpanOrigin
from runs.protocol.otlp.export_requests import LOGS, TRACES, split_export_request
from runs.traces.ingest import ingest_span_logs, ingest_spans
from tests.runs.span_export.round_trip import describe_project, export_otlp, exported_spans, send_to_other_project
from tests.runs.traces.spans import TRACE_ID, agent, chat, ingest_otlp, otel_span


def stored_spans(project: Project) -> list[tuple[Any, ...]]:
    origins = {
        origin.digest: (origin.resource, origin.scope, origin.resource_schema_url, origin.scope_schema_url)
        for origin in SpanOrigin.objects.filter(trace__project=project)
    }
    spans = Span.objects.filter(trace__project=project).order_by("span_id")
    return [(span.span_id, json.loads(span.body), origins[span.origin]) for span in spans]


def test_spans_of_a_trace_leave_whole(project: Project) -> None:
    request = otel_span(members={"unknown": {"é": [1.5, None]}, "links": [{"traceId": "1" * 32}]})
    root = agent(parent=request)
    ingest_otlp(project, request, root, service="web")
    ingest_otlp(project, chat(root), service="agents")
    other = send_to_other_project(project)
    assert stored_spans(other) == stored_spans(project)
    assert describe_project(other) == describe_project(project)


def test_runs_of_one_trace_are_told_apart(project: Project) -> None:
    request = otel_span(start=0)
    first, second = agent("first", request, start=1), agent("second", request, start=5)
    below, inside = otel_span(parent=second, start=5), chat(second, start=5)
    stray = otel_span(start=9)
    ingest_otlp(project, request, first, second, below, inside, chat(first, start=1), stray)
    names = [span["spanId"] for span in exported_spans(export_otlp(project, "assistant:second"))]
    assert sorted(names) == sorted(span["spanId"] for span in (request, second, below, inside))
    other = send_to_other_project(project)
    assert stored_spans(other) == stored_spans(project)
    assert describe_project(other) == describe_project(project)


def test_messages_in_log_records_become_events(project: Project) -> None:
    span = chat(members={"events": [{"name": "mine", "timeUnixNano": "1"}]})
    ingest_otlp(project, span)
    record = {
        "traceId": TRACE_ID,
        "spanId": span["spanId"],
        "eventName": "gen_ai.choice",
        "body": {"kvlistValue": {"values": [{"key": "message", "value": {"kvlistValue": {"values": [
            {"key": "content", "value": {"stringValue": "Hello."}}]}}}]}},
    }  # fmt: skip
    content = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()
    ingest_span_logs(project, split_export_request(LOGS, content, "application/json"))
    (exported,) = exported_spans(export_otlp(project))
    assert [event["name"] for event in exported["events"]] == ["mine", "gen_ai.choice"]
    other = send_to_other_project(project)
    assert list(Message.objects.filter(project=other).values_list("text", flat=True)) == ["Hello."]


@pytest.mark.skipif(not os.environ.get("RUNGLASS_TODAY_DATA"), reason="no recorded traces")
def test_recorded_traces_survive(project: Project) -> None:
    for path in sorted((Path(os.environ["RUNGLASS_TODAY_DATA"]) / "otlp").glob("*.json*")):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for body in content.splitlines() if path.suffixes[0] == ".jsonl" else [content]:
            ingest_spans(project, split_export_request(TRACES, body, "application/json"))
    other = send_to_other_project(project)
    assert Run.objects.in_project(project).count() > 20
    assert describe_project(other) == describe_project(project)
    exported = {span_id for span_id, *_ in stored_spans(other)}
    assert stored_spans(other) == [span for span in stored_spans(project) if span[0] in exported]
