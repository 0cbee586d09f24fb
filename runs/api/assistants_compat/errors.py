"""Errors in the form of the Assistants API, which its clients turn into their own exceptions.

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

from runs.errors import QueryTimeout

logger = logging.getLogger(__name__)

READ_ONLY_MESSAGE = "This is an archive: objects can be read, but not created or changed. Post runs to /api/v1/runs."


class AssistantsApiError(Exception):
    """An error response of the Assistants API."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code


def object_not_found(object_type: str, object_id: str) -> AssistantsApiError:
    """Return the error for an object that does not exist or belongs to another one."""
    return AssistantsApiError(404, f"No {object_type} found with id '{object_id}'.")


def invalid_param_value(param: str, value: str, supported_values: list[str]) -> AssistantsApiError:
    """Return the error for a parameter whose value is not one of `supported_values`."""
    quoted = [f"'{supported}'" for supported in supported_values]
    listed = " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))
    message = f"Invalid value: '{value}'. Supported values are: {listed}."
    return AssistantsApiError(400, message, param=param, code="invalid_value")


def handle_assistants_api_error(error: Exception, context: dict[str, Any]) -> JsonResponse | None:  # noqa: ARG001
    """Return the response for `error`, or None for a bug. Django REST framework's exception handler."""
    set_rollback()
    match error:
        case AssistantsApiError():
            return assistants_error_response(error.status, error.message, param=error.param, code=error.code)
        case QueryTimeout():
            return assistants_error_response(503, error.message, code=error.code, headers={"Retry-After": "5"})
        case exceptions.AuthenticationFailed():
            headers = {"WWW-Authenticate": "Bearer"}
            return assistants_error_response(401, f"{error.detail}.", code="invalid_api_key", headers=headers)
        case exceptions.PermissionDenied():
            return assistants_error_response(403, f"{error.detail}.", code="missing_scope")
        case exceptions.MethodNotAllowed():
            return assistants_error_response(405, READ_ONLY_MESSAGE, code="method_not_allowed")
        case exceptions.Throttled():
            headers = {"Retry-After": str(getattr(error, "wait", 1))}
            return assistants_error_response(429, str(error.detail), code="rate_limit_exceeded", headers=headers)
        case exceptions.APIException():
            return assistants_error_response(error.status_code, str(error.detail))
        case SuspiciousOperation():
            return assistants_error_response(400, "The request is malformed.")
        case OperationalError() | InterfaceError():
            logger.warning("The database is unavailable: %s", error, extra={"action": "database_unavailable"})
            message, headers = "The database is unavailable, try again later.", {"Retry-After": "5"}
            return assistants_error_response(503, message, code="database_unavailable", headers=headers)
    return None


def assistants_error_response(
    status: int,
    message: str,
    *,
    param: str | None = None,
    code: str | None = None,
    headers: dict[str, str] | None = None,
) -> JsonResponse:
    """Return an error response in the form of the Assistants API."""
    error_type = "server_error" if status >= 500 else "invalid_request_error"
    body = {"error": {"message": message, "type": error_type, "param": param, "code": code}}
    return JsonResponse(body, status=status, headers=headers)
