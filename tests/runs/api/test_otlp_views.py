import gzip
import json

import pytest
from django.test import Client
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from runs.api import otlp_views
from runs.errors import TooManyRetries
from runs.models import Message, Run, RunStep
from tests import factories
from tests.runs.protocol.otlp.bodies import protobuf_request, protobuf_span
from tests.runs.traces.spans import TRACE_ID, agent, chat, messages, otlp_body

PROTOBUF, JSON = "application/x-protobuf", "application/json"


@pytest.fixture
def export(project):
    secret = factories.make_key(project, "ingest")
    client = Client()

    def post(path, content, content_type=JSON, **headers):
        headers = {"Authorization": f"Bearer {secret}"} | headers
        return client.post(f"/v1/{path}", content, content_type, headers=headers)

    return post


def log_record(span, name, body, **members):
    record = {
        "traceId": span["traceId"],
        "spanId": span["spanId"],
        "eventName": name,
        "body": body,
        "timeUnixNano": "5",
    }
    return record | members


def logs_body(*records):
    scope_logs = [{"scope": {"name": "test"}, "logRecords": list(records)}]
    return json.dumps({"resourceLogs": [{"scopeLogs": scope_logs}]}).encode()


def test_spans_are_stored_and_answered_in_kind(export):
    response = export("traces", otlp_body([chat()]))
    assert (response.status_code, response.content, response["Content-Type"]) == (200, b"{}", JSON)
    response = export(
        "traces", gzip.compress(protobuf_request(protobuf_span())), PROTOBUF, **{"Content-Encoding": "gzip"}
    )
    assert (response.status_code, response.content, response["Content-Type"]) == (200, b"", PROTOBUF)
    assert Run.objects.count() == 1


def test_wrong_ids_are_a_partial_success(export):
    response = export("traces", otlp_body([chat(), chat(members={"traceId": "0" * 32}), chat(members={"spanId": "x"})]))
    partial = response.json()["partialSuccess"]
    assert (response.status_code, partial["rejectedSpans"]) == (200, "2")
    assert "/resourceSpans/0/scopeSpans/0/spans/1/traceId: an id of zeros is invalid" in partial["errorMessage"]
    assert "/spans/2/spanId: expected 16 hexadecimal digits, found 'x'" in partial["errorMessage"]
    response = export("traces", protobuf_request(protobuf_span(span_id=b"\1"), protobuf_span()), PROTOBUF)
    assert ExportTraceServiceResponse.FromString(response.content).partial_success.rejected_spans == 1


@pytest.mark.parametrize(
    ("content", "content_type", "headers", "status"),
    [
        (protobuf_request(protobuf_span())[:-1], PROTOBUF, {}, 400),
        (b"{", JSON, {}, 400),
        (b"{}", "text/plain", {}, 415),
        (b"{}", JSON, {"Content-Encoding": "br"}, 415),
        (b"{}", JSON, {"Authorization": "Bearer rg_unknown"}, 401),
        (b"\x0a\x00" * 30_000, PROTOBUF, {}, 413),
    ],
)
def test_errors_are_rpc_statuses_in_kind(export, content, content_type, headers, status):
    response = export("traces", content, content_type, **headers)
    assert response.status_code == status
    assert "Retry-After" not in response
    if content_type == PROTOBUF:
        assert Status.FromString(response.content).message
    else:
        assert response.json().keys() == {"code", "message"}


def test_busy_server_asks_for_another_try(export, monkeypatch):
    def refuse(*args, **kwargs):
        raise TooManyRetries

    monkeypatch.setattr(otlp_views, "ingest_spans", refuse)
    response = export("traces", otlp_body([chat()]))
    assert (response.status_code, response["Retry-After"]) == (503, "1")


def test_key_needs_the_scope_ingest(project):
    client = Client()
    headers = {"Authorization": f"Bearer {factories.make_key(project, 'read')}"}
    assert client.post("/v1/traces", b"{}", JSON, headers=headers).status_code == 403
    assert client.get("/v1/traces", headers=headers).status_code == 405


@pytest.mark.parametrize("is_log_first", [True, False])
def test_message_events_of_logs_join_their_spans(export, project, is_log_first):
    root = agent()
    span = chat(root)
    records = [
        log_record(
            span,
            "gen_ai.user.message",
            {"kvlistValue": {"values": [{"key": "content", "value": {"stringValue": "Where?"}}]}},
        ),
        log_record(
            span,
            "gen_ai.choice",
            {
                "kvlistValue": {
                    "values": [
                        {
                            "key": "message",
                            "value": {
                                "kvlistValue": {"values": [{"key": "content", "value": {"stringValue": "Here."}}]}
                            },
                        }
                    ]
                }
            },
            timeUnixNano="6",
        ),
        log_record(span, "http.request", {}),
    ]
    posts = [("logs", logs_body(*records)), ("traces", otlp_body([root, span]))]
    for path, content in posts if is_log_first else posts[::-1]:
        assert export(path, content).content == b"{}"
    assert export("logs", logs_body(*records)).status_code == 200  # again
    said = Message.objects.filter(project=project).order_by("external_id")
    assert list(said.values_list("role", "text")) == [("user", "Where?"), ("assistant", "Here.")]
    assert RunStep.objects.filter(type="message_creation").count() == 1


def test_details_event_of_logs_holds_contents(export, project):
    span = chat()
    attributes = [{"key": "gen_ai.output.messages", "value": {"stringValue": messages(("assistant", "Hi"))}}]
    record = log_record(span, "gen_ai.client.inference.operation.details", {}, attributes=attributes)
    export("traces", otlp_body([span]))
    export("logs", logs_body(record))
    assert Message.objects.filter(project=project).get().text == "Hi"


def test_metrics_are_ignored_with_words(export):
    response = export("metrics", b'{"resourceMetrics": []}')
    assert response.status_code == 200
    assert "ignored" in response.json()["partialSuccess"]["errorMessage"]


def test_agents_sdk_posts_by_itself(export):
    trace = {"object": "trace", "id": f"trace_{TRACE_ID}", "workflow_name": "Trip", "group_id": "chat-1"}
    span = {
        "object": "trace.span",
        "id": "span_0c65687004014601aec4f9c2",
        "trace_id": f"trace_{TRACE_ID}",
        "parent_id": None,
        "started_at": "2026-11-30T15:01:34.958438+00:00",
        "ended_at": "2026-11-30T15:01:36.087036+00:00",
        "span_data": {"type": "response", "response_id": "resp_1", "usage": {"input_tokens": 4, "output_tokens": 2}},
        "error": None,
    }
    response = export("traces/ingest", json.dumps({"data": [trace, span, {"object": "x"}]}).encode())
    assert response.json()["partialSuccess"]["rejectedSpans"] == "1"
    run = Run.objects.get()
    assert (run.assistant_id, run.thread_id, run.prompt_tokens, run.status) == ("Trip", "chat-1", 4, "completed")
