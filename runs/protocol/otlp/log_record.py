"""A log record about a span: the events in which instrumentations send messages apart from their spans."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from runs.protocol.lossless_json import check_json_depth
from runs.protocol.otlp.export_requests import OtlpItem
from runs.protocol.otlp.identifiers import SPAN_ID_BYTES, TRACE_ID_BYTES, normalize_otlp_id
from runs.protocol.otlp.span import decode_otlp_members


class SpanLogRecord(Struct, frozen=True):
    """A log record with the ids of its span, in lower-case hex. `body` is all that came, as OTLP JSON."""

    trace_id: str
    span_id: str
    body: bytes


class _LogMembers(Struct):
    traceId: Any = None  # noqa: N815 - the names of OTLP JSON
    spanId: Any = None  # noqa: N815


_decoder = msgspec.json.Decoder(_LogMembers)


def parse_span_log(item: OtlpItem) -> SpanLogRecord | None:
    """Parse a log record of an export request. Return None for one that is about no span.

    Raises:
        InvalidObject: an id is invalid.
        UnreadableBody: it is not JSON, or nested too deeply.
    """
    raw = item.load()
    check_json_depth(raw)
    members = decode_otlp_members(_decoder, raw)
    if not members.traceId or not members.spanId:
        return None
    return SpanLogRecord(
        normalize_otlp_id(members.traceId, TRACE_ID_BYTES, "/traceId"),
        normalize_otlp_id(members.spanId, SPAN_ID_BYTES, "/spanId"),
        raw,
    )
