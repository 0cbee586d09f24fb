"""Errors in the shape of the hosted API, which its clients turn into their own exceptions.

`{"error": {"message": "…", "type": "invalid_request_error", "param": null, "code": null}}`
"""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import JsonResponse
from rest_framework import exceptions
from rest_framework.views import set_rollback

logger = logging.getLogger(__name__)

READ_ONLY_MESSAGE = (
    "This is an archive: what it holds can be read here, not made or changed. Post runs to /api/v1/runs."
)


class AssistantsApiError(Exception):
    """The request can't be answered; carries what the client is told."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code


def object_not_found(kind: str, wanted: str) -> AssistantsApiError:
    """There is no such object, or it belongs to something else: both look the same."""
    return AssistantsApiError(404, f"No {kind} found with id '{wanted}'.")


def invalid_param_value(param: str, value: str, supported: list[str]) -> AssistantsApiError:
    """A parameter has a value other than those that it may have."""
    quoted = [f"'{each}'" for each in supported]
    listed = " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))
    message = f"Invalid value: '{value}'. Supported values are: {listed}."
    return AssistantsApiError(400, message, param=param, code="invalid_value")


def handle_assistants_api_error(error: Exception, context: dict[str, Any]) -> JsonResponse | None:  # noqa: ARG001
    """Django REST framework's exception handler for these paths: a response, or None for a bug."""
    set_rollback()
    match error:
        case AssistantsApiError():
            return assistants_error_response(error.status, error.message, param=error.param, code=error.code)
        case exceptions.AuthenticationFailed():
            answer = assistants_error_response(401, f"{error.detail}.", code="invalid_api_key")
            answer["WWW-Authenticate"] = "Bearer"
            return answer
        case exceptions.PermissionDenied():
            return assistants_error_response(403, f"{error.detail}.", code="missing_scope")
        case exceptions.MethodNotAllowed():
            return assistants_error_response(405, READ_ONLY_MESSAGE, code="method_not_allowed")
        case exceptions.APIException():
            return assistants_error_response(error.status_code, str(error.detail))
        case SuspiciousOperation():
            return assistants_error_response(400, "The request is malformed.")
        case OperationalError() | InterfaceError():
            return _away(error)
    return None


def assistants_error_response(
    status: int, message: str, *, param: str | None = None, code: str | None = None
) -> JsonResponse:
    """An error in that API's shape."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return JsonResponse({"error": {"message": message, "type": kind, "param": param, "code": code}}, status=status)


def _away(error: Exception) -> JsonResponse:
    logger.warning("The database is away: %s", error, extra={"action": "database_away"})
    answer = assistants_error_response(503, "The database can't be reached; try again.", code="database_unavailable")
    answer["Retry-After"] = "5"
    return answer
