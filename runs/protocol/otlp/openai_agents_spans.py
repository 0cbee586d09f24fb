"""Convert what OpenAI's Agents SDK posts to `/v1/traces/ingest` by itself to spans of OTLP.

`{"data": [...]}` has `trace` objects, which name a workflow, and `trace.span` objects, whose ids are longer than those
of OTLP. A trace becomes a span that has no times and is the parent of all spans without one. All members become
attributes. Source: `agents.tracing.processors.BackendSpanExporter` of openai-agents 0.24.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from runs.errors import InvalidObject, Problem, TooManyObjects, UnreadableBody
from runs.protocol.lossless_json import check_json_depth, clean_text, decode_json, split_array, split_object
from runs.protocol.otlp.attributes import encode_any_value
from runs.protocol.otlp.export_requests import MAX_OTLP_RECORDS, RecordOrigin
from runs.protocol.otlp.identifiers import SPAN_ID_BYTES, TRACE_ID_BYTES
from runs.protocol.otlp.span import SpanRecord

ATTRIBUTE_PREFIX = "openai.agents."

_ORIGIN = RecordOrigin(scope=b'{"name":"openai.agents"}')
_TRACE_ID = re.compile(r"trace_([0-9a-f]{32})")
_LOCAL_PARENT = 0x100
_STATUS_ERROR = 2


def split_agents_export(content: bytes) -> list[bytes]:
    """Return the objects of a body as JSON texts.

    Raises:
        UnreadableBody: it is not `{"data": [...]}`.
        TooManyObjects: there are too many objects.
    """
    data = split_object(content).get("data", b"")
    if not data.startswith(b"["):
        raise UnreadableBody("data: expected an array")
    objects = split_array(data, MAX_OTLP_RECORDS)
    if len(objects) > MAX_OTLP_RECORDS:
        raise TooManyObjects(f"The body has {len(objects):,} objects; at most {MAX_OTLP_RECORDS:,} are accepted")
    return objects


def convert_agents_object(raw: bytes) -> SpanRecord:
    """Return a `trace` or a `trace.span` as a span.

    Raises:
        InvalidObject: it is neither, or has no id.
        UnreadableBody: it is not a JSON object.
    """
    check_json_depth(raw)
    members = decode_json(raw)
    object_type = members.get("object") if isinstance(members, dict) else None
    if object_type not in ("trace", "trace.span"):
        raise InvalidObject(problems=[Problem("/object", "expected trace or trace.span")])
    is_trace = object_type == "trace"
    posted_trace_id = _read_id(members, "id" if is_trace else "trace_id")
    trace_id, root_id = _trace_id(posted_trace_id), _span_id(posted_trace_id)
    parent = members.get("parent_id")
    parent_id = None if is_trace else _span_id(parent) if isinstance(parent, str) and parent else root_id
    data = members.get("span_data")
    data = data if isinstance(data, Mapping) else {}
    name = members.get("workflow_name") or data.get("name") or data.get("type")
    record = SpanRecord(
        trace_id,
        root_id if is_trace else _span_id(_read_id(members, "id")),
        parent_id,
        clean_text(name) if isinstance(name, str) else str(object_type),
        _to_nanoseconds(members.get("started_at")),
        _to_nanoseconds(members.get("ended_at")),
        0 if is_trace else _LOCAL_PARENT,
        _ORIGIN,
        b"",
    )
    return msgspec.structs.replace(record, body=msgspec.json.encode(_build_body(record, members)))


def _build_body(record: SpanRecord, members: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"traceId": record.trace_id, "spanId": record.span_id}
    if record.parent_id is not None:
        body["parentSpanId"] = record.parent_id
    body |= {"name": record.name, "flags": record.flags, "kind": 1}
    body |= {"startTimeUnixNano": str(record.started_ns), "endTimeUnixNano": str(record.ended_ns)}
    attributes = [
        {"key": ATTRIBUTE_PREFIX + name, "value": encode_any_value(value)} for name, value in _flatten(members)
    ]
    body["attributes"] = attributes
    if error := members.get("error"):
        message = error.get("message") if isinstance(error, Mapping) else error
        body["status"] = {"code": _STATUS_ERROR, "message": str(message)}
    return body


def _flatten(members: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in members.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _read_id(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidObject(problems=[Problem(f"/{name}", "expected an id")])
    return value


def _trace_id(posted: str) -> str:
    match = _TRACE_ID.fullmatch(posted)
    return match[1] if match and match[1].strip("0") else _digest(posted, TRACE_ID_BYTES)


def _span_id(posted: str) -> str:
    return _digest(posted, SPAN_ID_BYTES)


def _digest(posted: str, size: int) -> str:
    return hashlib.blake2b(posted.encode(errors="replace"), digest_size=size).hexdigest()


def _to_nanoseconds(value: Any) -> int:
    if not isinstance(value, str):
        return 0
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return 0
    return max(int(time.timestamp()) * 10**9 + time.microsecond * 1000, 0) if time.tzinfo else 0
