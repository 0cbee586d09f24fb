"""Errors of requests that no view handles, each in the form of the API that its path belongs to."""

from __future__ import annotations

from django.http import HttpResponse

from runs.api.assistants_compat.errors import assistants_error_response
from runs.api.errors import error_response
from runs.api.json_rpc_errors import MCP_PATH, rejection_response
from runs.api.otlp_errors import OTLP_PATHS, otlp_error_response

# Paths whose responses are always JSON. Below the first one is our own API, below the others the Assistants API.
API_PREFIXES = ("/api/v1/", "/api/", "/v1/", "/openai/")


def is_api_path(path: str) -> bool:
    """Return whether `path` belongs to one of the APIs."""
    return path == MCP_PATH or path.startswith(API_PREFIXES)


def path_error_response(
    path: str,
    status: int,
    code: str,
    message: str,
    *,
    content_type: str,
    headers: dict[str, str] | None = None,
    request_id: str = "",
) -> HttpResponse:
    """Return an error for clients of the API at `path`.

    Args:
        path: the path of the request.
        status: the status code.
        code: the code of the error, for APIs whose errors have one.
        message: a sentence without full stop, as in our own API.
        content_type: the content type of the request, in which exporters of OTLP get the error.
        headers: headers of the response, except that exporters are always told to try again after a second.
        request_id: the id of the request, which only our own API repeats: SDKs read it from the header `X-Request-ID`.
    """
    if path in OTLP_PATHS:
        return otlp_error_response(status, message, content_type)
    if path == MCP_PATH:
        return rejection_response(status, code, message, headers)
    if path.startswith(API_PREFIXES[0]):
        return error_response(status, code, message, headers=headers, request_id=request_id)
    return assistants_error_response(status, f"{message}.", code=code, headers=headers)
