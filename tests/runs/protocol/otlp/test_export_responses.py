import json

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from runs.protocol.otlp.export_responses import encode_export_response, encode_rpc_status

PROTOBUF, JSON = "application/x-protobuf", "application/json; charset=utf-8"


def test_full_success_is_empty():
    assert encode_export_response(PROTOBUF, "rejectedSpans", 0, "").content == b""
    assert encode_export_response(JSON, "rejectedSpans", 0, "").content == b"{}"


def test_partial_success_counts_and_explains():
    response = ExportTraceServiceResponse.FromString(
        encode_export_response(PROTOBUF, "rejectedSpans", 300, "é").content
    )
    assert (response.partial_success.rejected_spans, response.partial_success.error_message) == (300, "é")
    payload = encode_export_response(JSON, "rejectedSpans", 300, "é")
    assert json.loads(payload.content) == {"partialSuccess": {"rejectedSpans": "300", "errorMessage": "é"}}


@pytest.mark.parametrize(("status", "code"), [(400, 3), (401, 16), (403, 7), (413, 8), (415, 3), (503, 14)])
def test_errors_are_rpc_statuses(status, code):
    decoded = Status.FromString(encode_rpc_status(PROTOBUF, status, "why").content)
    assert (decoded.code, decoded.message) == (code, "why")
    assert json.loads(encode_rpc_status(JSON, status, "why").content) == {"code": code, "message": "why"}
