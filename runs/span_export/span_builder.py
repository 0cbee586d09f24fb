"""Build the spans of one run as OTLP JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple

from runs.protocol.lossless_json import encode_json
from runs.protocol.otlp.attributes import encode_attributes
from runs.span_export.span_ids import make_run_span_id, make_run_trace_id

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOSECONDS_PER_MICROSECOND = 1000
_STATUS_ERROR = 2
_SAMPLED, _LOCAL_PARENT = 0x01, 0x100  # Span.flags
_UNNAMED_ERROR = "_OTHER"  # the value of error.type for errors without a code


class SpanKind(IntEnum):
    """The kinds of spans that are used here."""

    INTERNAL = 1
    CLIENT = 3


class SpanFailure(NamedTuple):
    """Why a part of a run failed."""

    code: str | None = None
    message: str | None = None


class RunSpanBuilder:
    """Builds the spans of a run.

    Times were posted in whole seconds, and readers order spans by them. So each span starts a microsecond later than
    it would, for each span before it.
    """

    def __init__(self, run_id: str) -> None:
        """Start without spans."""
        self.spans: list[bytes] = []
        self._run_id = run_id
        self._trace_id = make_run_trace_id(run_id)

    def add(
        self,
        name: str,
        attributes: Mapping[str, Any],
        times: tuple[datetime, datetime | None],
        *part: str,
        kind: SpanKind = SpanKind.INTERNAL,
        failure: SpanFailure | None = None,
    ) -> None:
        """Add the span of a part of the run; without a part, that of the run. An unknown end is the start."""
        started, ended = times
        started_ns = max(_to_nanoseconds(started), 0) + len(self.spans) * _NANOSECONDS_PER_MICROSECOND
        ended_ns = max(_to_nanoseconds(ended or started), started_ns)
        span = {"traceId": self._trace_id, "spanId": make_run_span_id(self._run_id, *part)}
        if part:
            span["parentSpanId"] = make_run_span_id(self._run_id)
        error_type = None if failure is None else failure.code or _UNNAMED_ERROR
        content = span | {
            "flags": _SAMPLED | _LOCAL_PARENT,
            "name": name,
            "kind": int(kind),
            "startTimeUnixNano": str(started_ns),
            "endTimeUnixNano": str(ended_ns),
            "attributes": encode_attributes({**attributes, "error.type": error_type}),
        }
        if failure is not None:
            content["status"] = {"code": _STATUS_ERROR, "message": failure.message or ""}
        self.spans.append(encode_json(content))


def _to_nanoseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1) * _NANOSECONDS_PER_MICROSECOND
