"""Posting: bodies in, verdicts out."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import JsonResponse
from rest_framework.request import Request

from runs.api.views import KeyedView
from runs.errors import BodyTooLarge, InvalidObject, UnreadableBody
from runs.ingest import MESSAGES, RUNS, STEPS, Kind, Outcome, Report, bodies, events, ingest, ingest_mixed


class Intake(KeyedView):
    """Takes objects of one kind: one, an array, a list envelope, or a line an object."""

    kind: Kind

    def post(self, request: Request) -> JsonResponse:
        """201 or 200 for one object, 200 or 207 for many; refused objects are listed, the others are stored."""
        body = bodies.parse(_content(request), request.headers.get("Content-Type", "application/json"))
        report = ingest(self.project(request), self.kind, body.items, key_id=request.auth.pk)
        return _single(report) if body.single else _many(report)


class RunIntake(Intake):
    kind = RUNS


class StepIntake(Intake):
    kind = STEPS


class MessageIntake(Intake):
    kind = MESSAGES


class EventIntake(KeyedView):
    """Takes stream events, as JSON or as a stream was recorded; deltas are counted as ignored."""

    def post(self, request: Request) -> JsonResponse:
        """200, or 207 where some events were refused; event names that nobody published are warned of."""
        found = events.parse(_content(request), request.headers.get("Content-Type", "application/json"))
        report = ingest_mixed(self.project(request), found.items, key_id=request.auth.pk)
        report.received = found.received
        report.errors = sorted(report.errors + found.errors, key=lambda problem: problem.index or 0)
        warnings = [each.as_json() for each in found.warnings]
        return _many(report, ignored=found.ignored, warnings=warnings)


def _content(request: Request) -> bytes:
    """The request's body. Refused by its declared length before a byte of it is read."""
    limit = settings.MAX_BODY_BYTES
    if int(request.headers.get("Content-Length") or 0) > limit:
        raise BodyTooLarge(f"The body is larger than {limit:,} bytes")
    content = bodies.read(request._request, request.headers.get("Content-Encoding", ""), limit)
    if not content.strip():
        raise UnreadableBody("The body is empty")
    return content


def _single(report: Report) -> JsonResponse:
    if report.errors:
        raise InvalidObject(problems=report.errors)
    outcome = report.outcomes[0]
    status = 201 if outcome is Outcome.CREATED else 200
    return JsonResponse({"id": report.ids[0], "outcome": outcome.value}, status=status)


def _many(report: Report, **more: Any) -> JsonResponse:
    answer: dict[str, Any] = {**report.counts, **more, "errors": [each.as_json() for each in report.errors]}
    return JsonResponse(answer, status=207 if report.errors else 200)
