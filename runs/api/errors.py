"""Errors as the API shows them: one shape, whatever went wrong.

`{"error": {"code": "…", "message": "…", "fields": [{"index": 3, "path": "/usage", "message": "…"}]}}`
"""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, JsonResponse
from rest_framework import exceptions, status
from rest_framework.views import set_rollback

from runs.errors import BodyTooLarge, NotFound, RunglassError, TooManyRetries, UnsupportedBody

logger = logging.getLogger(__name__)

_STATUSES: dict[type[RunglassError], int] = {
    BodyTooLarge: status.HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    NotFound: status.HTTP_404_NOT_FOUND,
    UnsupportedBody: status.HTTP_415_UNSUPPORTED_MEDIA_TYPE,
    TooManyRetries: status.HTTP_503_SERVICE_UNAVAILABLE,
}
_RETRY_AFTER = {"Retry-After": "5"}


def handle_api_error(error: Exception, context: dict[str, Any]) -> JsonResponse | None:  # noqa: ARG001 - its signature is the framework's
    """Django REST framework's exception handler: a response in the one shape, or None for a bug."""
    set_rollback()
    match error:
        case RunglassError():
            return _own(error)
        case Http404():
            return error_response(404, "not_found", str(error) or "Not found")
        case exceptions.APIException():
            scheme = getattr(error, "auth_header", None)  # set by the framework, of a 401 alone
            headers = {"WWW-Authenticate": scheme} if scheme else {}
            return error_response(error.status_code, _code(error), str(error.detail), headers=headers)
        case SuspiciousOperation():
            return error_response(400, "bad_request", "The request is malformed")
        case OperationalError() | InterfaceError():
            logger.warning("The database is away: %s", error, extra={"action": "database_away"})
            return error_response(
                503, "database_unavailable", "The database can't be reached; try again", headers=_RETRY_AFTER
            )
    return None


def error_response(
    status_code: int,
    code: str,
    message: str,
    fields: list[dict[str, Any]] | None = None,
    headers: dict[str, str] | None = None,
) -> JsonResponse:
    """An error in the one shape."""
    error = {"error": {"code": code, "message": message, "fields": fields or []}}
    return JsonResponse(error, status=status_code, headers=headers, json_dumps_params={"ensure_ascii": True})


def _own(error: RunglassError) -> JsonResponse:
    found = next((_STATUSES[each] for each in type(error).__mro__ if each in _STATUSES), 400)
    headers = _RETRY_AFTER if found == status.HTTP_503_SERVICE_UNAVAILABLE else None
    return error_response(found, error.code, error.message, [each.as_json() for each in error.problems], headers)


def _code(error: exceptions.APIException) -> str:
    match error:
        case exceptions.AuthenticationFailed() | exceptions.NotAuthenticated():
            return "unauthorized"
        case exceptions.PermissionDenied():
            return "forbidden"
        case exceptions.MethodNotAllowed():
            return "method_not_allowed"
    return str(error.default_code)
