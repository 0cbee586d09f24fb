import base64
import json
import math

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from runs.errors import InvalidObject, TooManyObjects, UnreadableBody, UnsupportedBody
from runs.protocol.otlp.export_requests import MAX_OTLP_RECORDS, TRACES, split_export_request
from runs.protocol.otlp.span import SpanRecord, parse_span
from tests.runs.protocol.otlp.bodies import (
    SPAN_ID,
    TRACE_ID,
    json_request,
    json_span,
    protobuf_request,
    protobuf_span,
)

PROTOBUF, JSON = "application/x-protobuf", "application/json"


def parse(content: bytes, content_type: str = JSON) -> list[SpanRecord]:
    return [parse_span(item) for item in split_export_request(TRACES, content, content_type)]


def test_protobuf_comes_back_as_otlp_json():
    values = {
        "text": AnyValue(string_value="é\0"),
        "flag": AnyValue(bool_value=False),
        "count": AnyValue(int_value=-(2**62)),
        "ratio": AnyValue(double_value=math.inf),
        "raw": AnyValue(bytes_value=b"\x00\xff"),
        "list": AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=0), AnyValue()])),
        "map": AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="k", value=AnyValue(string_value=""))])),
    }
    span = protobuf_span(
        parent_span_id=b"\1" * 8,
        name="chat",
        kind=Span.SPAN_KIND_CLIENT,
        flags=0x101,
        trace_state="a=b",
        start_time_unix_nano=2**63 + 1,
        attributes=[KeyValue(key=key, value=value) for key, value in values.items()],
        dropped_attributes_count=3,
        events=[Span.Event(time_unix_nano=5, name="exception")],
        links=[Span.Link(trace_id=b"\2" * 16, span_id=b"\3" * 8, flags=1)],
        status=Status(code=Status.STATUS_CODE_ERROR, message="failed"),
    )

    [record] = parse(protobuf_request(span), PROTOBUF)

    assert json.loads(record.body) == {
        "traceId": TRACE_ID,
        "spanId": SPAN_ID,
        "parentSpanId": "01" * 8,
        "name": "chat",
        "kind": 3,
        "flags": 0x101,
        "traceState": "a=b",
        "startTimeUnixNano": str(2**63 + 1),
        "attributes": [
            {"key": "text", "value": {"stringValue": "é\0"}},
            {"key": "flag", "value": {"boolValue": False}},
            {"key": "count", "value": {"intValue": str(-(2**62))}},
            {"key": "ratio", "value": {"doubleValue": "Infinity"}},
            {"key": "raw", "value": {"bytesValue": base64.b64encode(b"\x00\xff").decode()}},
            {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "0"}, {}]}}},
            {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": ""}}]}}},
        ],
        "droppedAttributesCount": 3,
        "events": [{"timeUnixNano": "5", "name": "exception"}],
        "links": [{"traceId": "02" * 16, "spanId": "03" * 8, "flags": 1}],
        "status": {"code": 2, "message": "failed"},
    }
    assert (record.parent_id, record.flags) == ("01" * 8, 0x101)
    assert record.started_ns == 0  # later than any time that can be right


def test_json_is_kept_as_it_came():
    span = json_span(kind="SPAN_KIND_CLIENT", startTimeUnixNano=17, endTimeUnixNano="18", unknown={"n": "\ud800"})
    [record] = parse(json_request(span, resource={"attributes": []}, scope={"name": "s", "x": 1}))
    assert json.loads(record.body) == span
    assert (record.started_ns, record.ended_ns) == (17, 18)
    assert (json.loads(record.origin.resource), json.loads(record.origin.scope)) == (
        {"attributes": []},
        {"name": "s", "x": 1},
    )


@pytest.mark.parametrize(
    ("trace_id", "span_id"),
    [
        (TRACE_ID.upper(), SPAN_ID.upper()),
        (base64.b64encode(bytes.fromhex(TRACE_ID)).decode(), base64.b64encode(bytes.fromhex(SPAN_ID)).decode()),
        (base64.b64encode(bytes.fromhex(TRACE_ID)).decode().rstrip("="), SPAN_ID),
    ],
)
def test_ids_are_written_as_lower_case_hex(trace_id, span_id):
    [record] = parse(json_request(json_span(traceId=trace_id, spanId=span_id, parentSpanId=span_id)))
    assert (record.trace_id, record.span_id, record.parent_id) == (TRACE_ID, SPAN_ID, SPAN_ID)
    assert json.loads(record.body) == json_span(parentSpanId=SPAN_ID)


@pytest.mark.parametrize("parent", ["", "0" * 16, None])
def test_empty_parent_is_none(parent):
    [record] = parse(json_request(json_span(parentSpanId=parent)))
    assert record.parent_id is None


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"traceId": "0" * 32}, "/traceId"),
        ({"traceId": TRACE_ID[1:]}, "/traceId"),
        ({"traceId": 7}, "/traceId"),
        ({"spanId": None}, "/spanId"),
        ({"spanId": "x" * 16}, "/spanId"),
        ({"parentSpanId": "ab"}, "/parentSpanId"),
    ],
)
def test_wrong_ids_are_refused(members, path):
    with pytest.raises(InvalidObject) as error:
        parse(json_request(json_span(**members)))
    assert [problem.path for problem in error.value.problems] == [path]


@pytest.mark.parametrize("span", [7, "text", [], {"traceId": TRACE_ID, "x": [[[[]]] * 300]}])
def test_malformed_span_stops_no_other(span):
    items = list(split_export_request(TRACES, json_request(span, json_span()), JSON))
    assert [item.path for item in items] == [f"/resourceSpans/0/scopeSpans/0/spans/{n}" for n in (0, 1)]
    with pytest.raises((InvalidObject, UnreadableBody)):
        parse_span(items[0])
    assert parse_span(items[1]).span_id == SPAN_ID


def test_malformed_protobuf_span_stops_no_other():
    broken = bytes([0x0A, 4]) + b"\xff\xff\xff\xff"  # a resource that is none; spans are not looked into yet
    span = protobuf_span().SerializeToString()
    scope = b"\x12" + bytes([len(broken)]) + broken + b"\x12" + bytes([len(span)]) + span
    resource = b"\x12" + bytes([len(scope)]) + scope
    first, second = split_export_request(TRACES, b"\x0a" + bytes([len(resource)]) + resource, PROTOBUF)
    with pytest.raises(InvalidObject):
        parse_span(first)
    assert parse_span(second).span_id == SPAN_ID


@pytest.mark.parametrize(
    ("content", "content_type", "error"),
    [
        (protobuf_request(protobuf_span())[:-3], PROTOBUF, UnreadableBody),
        (b"\xff" * 30, PROTOBUF, UnreadableBody),
        (b"\x0c", PROTOBUF, UnreadableBody),
        (b"[]", JSON, UnreadableBody),
        (b'{"resourceSpans": 7}', JSON, UnreadableBody),
        (b'{"resourceSpans": [', JSON, UnreadableBody),
        (b"{}", "text/plain", UnsupportedBody),
        (b"\x0a\x02\x12\x00" * (MAX_OTLP_RECORDS + 1), PROTOBUF, TooManyObjects),
        (json_request(*[json_span()] * (MAX_OTLP_RECORDS + 1)), JSON, TooManyObjects),
    ],
)
def test_malformed_requests_are_refused(content, content_type, error):
    with pytest.raises(error):
        parse(content, content_type)


@pytest.mark.parametrize(("content", "content_type"), [(b"", PROTOBUF), (b"{}", JSON), (b'{"resourceSpans":[]}', JSON)])
def test_empty_requests_have_no_spans(content, content_type):
    assert parse(content, content_type) == []
