"""A span: its ids, times and name, and all that came, as OTLP JSON."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from runs.errors import UnreadableBody
from runs.protocol.lossless_json import check_json_depth, clean_text, join_members, parse_json, split_object
from runs.protocol.otlp.export_requests import OtlpItem, RecordOrigin
from runs.protocol.otlp.identifiers import (
    SPAN_ID_BYTES,
    TRACE_ID_BYTES,
    normalize_otlp_id,
    normalize_parent_id,
)

MAX_NANOSECONDS = 2**63 - 1  # of a time; later ones are unknown


class SpanRecord(Struct, frozen=True):
    """A valid span. `body` is all that came, as OTLP JSON with its ids in lower-case hex.

    Times are nanoseconds since 1970, 0 if they are unknown. `flags` are those of OTLP, 0 from older exporters.
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    started_ns: int
    ended_ns: int
    flags: int
    origin: RecordOrigin
    body: bytes


class _SpanMembers(Struct):
    traceId: Any = None  # noqa: N815 - the names of OTLP JSON
    spanId: Any = None  # noqa: N815
    parentSpanId: Any = None  # noqa: N815
    name: Any = ""
    startTimeUnixNano: Any = 0  # noqa: N815
    endTimeUnixNano: Any = 0  # noqa: N815
    flags: Any = 0


_decoder = msgspec.json.Decoder(_SpanMembers)
_MembersT = TypeVar("_MembersT", bound=Struct)


def parse_span(item: OtlpItem) -> SpanRecord:
    """Parse a span of an export request.

    Raises:
        InvalidObject: an id is invalid.
        UnreadableBody: it is not JSON, or nested too deeply.
    """
    raw = item.load()
    check_json_depth(raw)
    members = decode_otlp_members(_decoder, raw)
    ids = {
        "traceId": normalize_otlp_id(members.traceId, TRACE_ID_BYTES, "/traceId"),
        "spanId": normalize_otlp_id(members.spanId, SPAN_ID_BYTES, "/spanId"),
    }
    posted_ids = {"traceId": members.traceId, "spanId": members.spanId}
    parent_id = normalize_parent_id(members.parentSpanId, "/parentSpanId")
    if parent_id is not None:
        ids["parentSpanId"], posted_ids["parentSpanId"] = parent_id, members.parentSpanId
    return SpanRecord(
        ids["traceId"],
        ids["spanId"],
        parent_id,
        clean_text(members.name) if isinstance(members.name, str) else "",
        read_nanoseconds(members.startTimeUnixNano),
        read_nanoseconds(members.endTimeUnixNano),
        read_integer(members.flags) & 0xFFFFFFFF,
        item.origin,
        raw if ids == posted_ids else _replace_ids(raw, ids),
    )


def decode_otlp_members(decoder: msgspec.json.Decoder[_MembersT], raw: bytes) -> _MembersT:
    """Return the members of a record that `decoder` knows.

    Raises:
        UnreadableBody: `raw` is not a JSON object in UTF-8.
    """
    try:
        raw.decode()  # the decoder does not check the encoding of members that it skips
        return decoder.decode(raw)
    except UnicodeDecodeError as error:
        raise UnreadableBody(f"not UTF-8 at byte {error.start}") from error
    except (msgspec.DecodeError, RecursionError):
        members = parse_json(raw)  # which accepts lone surrogates
    if not isinstance(members, dict):
        raise UnreadableBody("expected an object")
    return decoder.type(**{name: members[name] for name in decoder.type.__struct_fields__ if name in members})


def read_integer(value: Any) -> int:
    """Return an integer that OTLP JSON writes as a number or as a string; 0 for anything else."""
    if isinstance(value, bool):
        return 0
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0


def read_nanoseconds(value: Any) -> int:
    """Return a time in nanoseconds since 1970; 0 if it is unknown or can't be right."""
    number = read_integer(value)
    return number if 0 < number <= MAX_NANOSECONDS else 0


def _replace_ids(raw: bytes, ids: dict[str, str]) -> bytes:
    members = split_object(raw)
    return join_members(members | {name: b'"' + value.encode() + b'"' for name, value in ids.items()})
