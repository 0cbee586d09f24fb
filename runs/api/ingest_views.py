"""Posting: bodies in, verdicts out."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import JsonResponse, UnreadablePostError
from rest_framework.request import Request

from runs.api.base_views import ApiKeyView
from runs.api.openapi.examples import ASSISTANT_EXAMPLE, MESSAGE_EXAMPLE, STEP_EXAMPLE
from runs.api.openapi.operations import described, takes, takes_events
from runs.errors import BodyTooLarge, InvalidObject, UnreadableBody
from runs.ingest import (
    ASSISTANTS,
    MESSAGES,
    RUNS,
    STEPS,
    IngestReport,
    Outcome,
    RecordType,
    events,
    ingest,
    ingest_mixed,
    request_bodies,
)
from runs.ingest.compression import ReadableStream

_MAX_CONTENT_LENGTH_DIGITS = 18  # digits; no body is that long


class IngestView(ApiKeyView):
    """Takes objects of one kind: one, an array, a list envelope, or a line an object."""

    kind: RecordType

    def post(self, request: Request) -> JsonResponse:
        """201 or 200 for one object, 200 or 207 for many; refused ones are listed, the others are stored."""
        body = request_bodies.parse_body(_content(request), request.headers.get("Content-Type") or "application/json")
        report = ingest(self.project(request), self.kind, body.items, key_id=self.key(request).pk)
        return _single(report) if body.single else _many(report)


class RunIngestView(IngestView):
    kind = RUNS


@described(post=takes("Step", STEP_EXAMPLE, "steps"))
class StepIngestView(IngestView):
    kind = STEPS


@described(post=takes("Message", MESSAGE_EXAMPLE, "messages"))
class MessageIngestView(IngestView):
    kind = MESSAGES


@described(post=takes("Assistant", ASSISTANT_EXAMPLE, "assistants"))
class AssistantIngestView(IngestView):
    """Of assistants the display name is kept, nothing else."""

    kind = ASSISTANTS


@described(post=takes_events())
class EventIngestView(ApiKeyView):
    """Takes stream events, as JSON or as a stream was recorded; deltas are counted as ignored."""

    def post(self, request: Request) -> JsonResponse:
        """200, or 207 where some events were refused; event names that nobody published are warned of."""
        found = events.parse_events(_content(request), request.headers.get("Content-Type") or "application/json")
        report = ingest_mixed(self.project(request), found.items, key_id=self.key(request).pk)
        report.received = found.received
        report.errors = sorted(report.errors + found.errors, key=lambda problem: problem.index or 0)
        warnings = [each.as_json() for each in found.warnings]
        return _many(report, ignored=found.ignored, warnings=warnings)


def _content(request: Request) -> bytes:
    """The request's body. Refused by its declared length before a byte of it is read."""
    limit = settings.MAX_BODY_BYTES
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and (len(declared) > _MAX_CONTENT_LENGTH_DIGITS or int(declared) > limit):
        raise BodyTooLarge(f"The body is larger than {limit:,} bytes")
    try:
        content = request_bodies.read_body(_stream(request), request.headers.get("Content-Encoding", ""), limit)
    except UnreadablePostError as error:
        raise UnreadableBody("The connection ended within the body") from error
    if not content or content.isspace():
        raise UnreadableBody("The body is empty")
    return content


def _stream(request: Request) -> ReadableStream:
    """What the body is read from. Django takes a chunked one, which declares no length, for an empty one."""
    is_chunked = "Content-Length" not in request.headers and request.META.get("wsgi.input_terminated")
    stream: ReadableStream = request.META["wsgi.input"] if is_chunked else request._request  # noqa: SLF001
    return stream


def _single(report: IngestReport) -> JsonResponse:
    if report.errors:
        raise InvalidObject(problems=report.errors)
    outcome = report.outcomes[0]
    status = 201 if outcome is Outcome.CREATED else 200
    return JsonResponse({"id": report.ids[0], "outcome": outcome.value}, status=status)


def _many(report: IngestReport, **more: Any) -> JsonResponse:
    answer: dict[str, Any] = {**report.counts, **more, "errors": [each.as_json() for each in report.errors]}
    return JsonResponse(answer, status=207 if report.errors else 200)
