"""Middleware that completes the record of a request with what Django finds out: the URL, the project and the caller."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from dashboard.monitoring.access_log import log_request
from dashboard.monitoring.metrics import count_request
from dashboard.monitoring.request_record import (
    RECORD_KEY,
    REQUEST_ID_HEADER,
    RequestRecord,
    bind_record,
    choose_request_id,
)

_STATIC_ROUTE = "static"


class RequestRecordMiddleware:
    """Completes the record that the gateway has made. Behind any other server, it makes, counts and logs it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Set the next middleware or view."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Respond to a request."""
        record = request.META.get(RECORD_KEY)
        if record is not None:
            return self._respond(request, record)
        record = request.META[RECORD_KEY] = _make_record(request)
        with bind_record(record):
            response = self._respond(request, record)
        record.status, record.ended = response.status_code, time.monotonic()
        count_request(record)
        log_request(record)
        return response

    def process_view(self, request: HttpRequest, *_: Any) -> None:
        """Note the URL that matches, before the view writes anything to the log."""
        record, match = request.META[RECORD_KEY], request.resolver_match
        if match is not None:
            record.route = match.view_name
            record.project = str(match.kwargs.get("project", ""))

    def _respond(self, request: HttpRequest, record: RequestRecord) -> HttpResponseBase:
        response = self.get_response(request)
        if request.resolver_match is None and request.path.startswith(settings.STATIC_URL):
            record.route = _STATIC_ROUTE
        _note_caller(request, record)
        if (params := vars(request).get("GET")) is not None:  # as far as a view has read them
            record.question = params.get("q", "")
        response.headers[REQUEST_ID_HEADER] = record.id
        return response


def _make_record(request: HttpRequest) -> RequestRecord:
    address = request.META.get("REMOTE_ADDR") or ""
    record = RequestRecord(choose_request_id(""), request.method or "", request.path_info, address)
    request.META["HTTP_X_REQUEST_ID"] = record.id
    return record


def _note_caller(request: HttpRequest, record: RequestRecord) -> None:
    """Note the API key and its project, and the user, as far as they were needed; nothing is queried for it."""
    key = getattr(request, "auth", None)  # set by Django REST framework
    if key is not None:
        record.key_prefix, record.project = key.prefix, key.project.slug
    user = getattr(request, "_cached_user", None)  # set by Django's middleware once a view reads it
    if user is not None:
        record.user_id = user.pk
