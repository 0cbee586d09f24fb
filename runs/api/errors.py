"""Turn exceptions into the error responses of the REST API."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, JsonResponse
from msgspec import UNSET
from rest_framework import exceptions, status
from rest_framework.views import set_rollback

from runs.api.responses import ErrorDetails, ErrorResponse, FieldError, json_object_response
from runs.db.disk_space import is_disk_full
from runs.db.sql import is_statement_timeout
from runs.errors import (
    BodyTooLarge,
    DiskFull,
    NotFound,
    Problem,
    QueryTimeout,
    RequestTimeout,
    RunglassError,
    TooManyRetries,
    UnsupportedBody,
)

logger = logging.getLogger(__name__)

# The status of other errors is 400.
_STATUS_CODES: dict[type[RunglassError], int] = {
    BodyTooLarge: status.HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    NotFound: status.HTTP_404_NOT_FOUND,
    UnsupportedBody: status.HTTP_415_UNSUPPORTED_MEDIA_TYPE,
    DiskFull: status.HTTP_503_SERVICE_UNAVAILABLE,
    QueryTimeout: status.HTTP_503_SERVICE_UNAVAILABLE,
    TooManyRetries: status.HTTP_503_SERVICE_UNAVAILABLE,
}
_RETRY_AFTER = {"Retry-After": "5"}  # seconds


def handle_api_error(error: Exception, context: dict[str, Any]) -> JsonResponse | None:
    """Return the response for `error`, or None for a bug. Django REST framework's exception handler."""
    set_rollback()
    request_id = context["request"].headers.get("X-Request-ID", "")
    match error:
        case RunglassError():
            status_code = next((_STATUS_CODES[cls] for cls in type(error).__mro__ if cls in _STATUS_CODES), 400)
            headers = _RETRY_AFTER if status_code == status.HTTP_503_SERVICE_UNAVAILABLE else None
            return error_response(status_code, error.code, error.message, error.problems, headers, request_id)
        case RequestTimeout():
            return error_response(503, error.code, error.message, headers=_RETRY_AFTER, request_id=request_id)
        case OperationalError() if is_statement_timeout(error):
            return handle_api_error(RequestTimeout(), context)
        case Http404():
            return error_response(404, "not_found", str(error) or "Not found")
        case exceptions.APIException():
            scheme = getattr(error, "auth_header", None)  # only set for status 401
            headers = {"WWW-Authenticate": scheme} if scheme else {}
            if isinstance(error, exceptions.Throttled):
                headers["Retry-After"] = str(getattr(error, "wait", 1))
            code = _error_code(error)
            return error_response(error.status_code, code, str(error.detail), headers=headers, request_id=request_id)
        case SuspiciousOperation():
            return error_response(400, "bad_request", "The request is malformed")
        case OperationalError() if is_disk_full(error):
            return handle_api_error(DiskFull(), context)
        case OperationalError() | InterfaceError():
            logger.warning("The database is unavailable: %s", error, extra={"action": "database_unavailable"})
            message = "The database is unavailable, try again later"
            return error_response(503, "database_unavailable", message, headers=_RETRY_AFTER, request_id=request_id)
    return None


def error_response(
    status_code: int,
    code: str,
    message: str,
    problems: Sequence[Problem] = (),
    headers: dict[str, str] | None = None,
    request_id: str = "",
) -> JsonResponse:
    """Return an error in the form that all errors of the API have. Those of the server name the request."""
    named_id = request_id if request_id and status_code >= status.HTTP_500_INTERNAL_SERVER_ERROR else UNSET
    details = ErrorDetails(code, message, FieldError.from_problems(problems), named_id)
    return json_object_response(ErrorResponse(details), status_code, headers)


def _error_code(error: exceptions.APIException) -> str:
    match error:
        case exceptions.AuthenticationFailed() | exceptions.NotAuthenticated():
            return "unauthorized"
        case exceptions.PermissionDenied():
            return "forbidden"
        case exceptions.MethodNotAllowed():
            return "method_not_allowed"
        case exceptions.Throttled():
            return "too_many_requests"
    return str(error.default_code)
