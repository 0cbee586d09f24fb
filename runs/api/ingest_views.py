"""Views that store posted objects."""

from __future__ import annotations

from django.conf import settings
from django.http import JsonResponse, UnreadablePostError
from drf_spectacular.utils import extend_schema_view
from msgspec import UNSET
from rest_framework.request import Request

from runs.api.base_views import ApiKeyView
from runs.api.openapi.examples import ASSISTANT_EXAMPLE, MESSAGE_EXAMPLE, STEP_EXAMPLE
from runs.api.openapi.operations import describe_event_ingest, describe_ingest
from runs.api.responses import (
    BatchOutcome,
    EventBatchOutcome,
    FieldError,
    ObjectOutcome,
    json_object_response,
)
from runs.errors import BodyTooLarge, InvalidObject, UnreadableBody
from runs.ingest import ASSISTANTS, MESSAGES, RUNS, STEPS, IngestReport, Outcome, RecordType, ingest
from runs.ingest.compression import ReadableStream
from runs.ingest.events import parse_events
from runs.ingest.request_bodies import RequestBody, parse_body, read_body
from runs.models import ApiKey
from runs.responses import ingest_any

_MAX_CONTENT_LENGTH_DIGITS = 18  # `int` rejects strings of thousands of digits


class IngestView(ApiKeyView):
    """A view that stores objects of one type: a single one, an array, a list envelope or NDJSON."""

    reports_refusals = True
    record_type: RecordType

    def post(self, request: Request) -> JsonResponse:
        """Store the objects of the body. Rejected objects do not affect the others.

        Raises:
            InvalidObject: the body is a single object, and it is invalid.
        """
        body = parse_body(read_content(request), get_content_type(request))
        report = self.store(body, self.get_api_key(request))
        if not body.single:
            if report.errors:
                self.report_refusal(207, "", report.errors)
            return json_object_response(BatchOutcome.from_report(report), 207 if report.errors else 200)
        if report.errors:
            raise InvalidObject(problems=report.errors)
        if not report.outcomes:
            return json_object_response(BatchOutcome.from_report(report))
        outcome, warnings = report.outcomes[0], FieldError.from_problems(report.warnings) or UNSET
        status = 201 if outcome is Outcome.CREATED else 200
        return json_object_response(ObjectOutcome(report.ids[0], outcome, warnings), status)

    def store(self, body: RequestBody, api_key: ApiKey) -> IngestReport:
        """Store the objects of the body in the project of the API key."""
        return ingest(api_key.project, self.record_type, body.items, key_id=api_key.pk)


class RunIngestView(IngestView):
    """A view that stores runs."""

    record_type = RUNS


@extend_schema_view(
    post=describe_ingest(
        "steps", "Step", STEP_EXAMPLE, "Stores `thread.run.step` objects. A step may be posted before its run."
    )
)
class StepIngestView(IngestView):
    """`/api/v1/steps`."""

    record_type = STEPS


@extend_schema_view(post=describe_ingest("messages", "Message", MESSAGE_EXAMPLE, "Stores `thread.message` objects."))
class MessageIngestView(IngestView):
    """`/api/v1/messages`."""

    record_type = MESSAGES


@extend_schema_view(
    post=describe_ingest(
        "assistants",
        "Assistant",
        ASSISTANT_EXAMPLE,
        "Takes `assistant` objects and stores nothing but their names, which pages show instead of the ids.",
    )
)
class AssistantIngestView(IngestView):
    """`/api/v1/assistants`."""

    record_type = ASSISTANTS


@extend_schema_view(post=describe_event_ingest())
class EventIngestView(ApiKeyView):
    """`/api/v1/events`."""

    reports_refusals = True

    def post(self, request: Request) -> JsonResponse:
        """Store the objects that stream events carry. Events are JSON objects or a recorded event stream."""
        events = parse_events(read_content(request), get_content_type(request))
        api_key = self.get_api_key(request)
        report = ingest_any(api_key.project, events.items, key_id=api_key.pk)
        problems = sorted(report.errors + events.errors, key=lambda problem: problem.index or 0)
        report.received, report.errors = events.received, problems
        if problems:
            self.report_refusal(207, "", problems)
        outcome = EventBatchOutcome(
            **report.counts,
            ignored=events.ignored,
            warnings=FieldError.from_problems(events.warnings + report.warnings),
            errors=FieldError.from_problems(problems),
        )
        return json_object_response(outcome, 207 if problems else 200)


def get_content_type(request: Request) -> str:
    """Return the content type of the body, JSON unless the client says otherwise."""
    return request.headers.get("Content-Type") or "application/json"


def read_content(request: Request, *, may_be_empty: bool = False) -> bytes:
    """Return the decompressed body.

    Raises:
        BodyTooLarge: the body is too large. If it declares its length, none of it was read.
        UnreadableBody: the body is empty and may not be, or the connection was closed.
    """
    limit = settings.MAX_BODY_BYTES
    declared_length = request.headers.get("Content-Length", "")
    if declared_length.isdecimal() and (
        len(declared_length) > _MAX_CONTENT_LENGTH_DIGITS or int(declared_length) > limit
    ):
        raise BodyTooLarge(f"The body is larger than {limit:,} bytes")
    # Django reads nothing of a chunked body, which does not declare its length.
    is_chunked = "Content-Length" not in request.headers and request.META.get("wsgi.input_terminated")
    stream: ReadableStream = request.META["wsgi.input"] if is_chunked else request._request  # noqa: SLF001
    try:
        content = read_body(stream, request.headers.get("Content-Encoding", ""), limit, may_be_empty=may_be_empty)
    except UnreadablePostError as error:
        raise UnreadableBody("The connection was closed before the end of the body") from error
    return content
