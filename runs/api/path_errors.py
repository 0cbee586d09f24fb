"""Errors of requests that no view handles, each in the form of the API that its path belongs to."""

from __future__ import annotations

from django.http import JsonResponse

from runs.api.assistants_compat.errors import assistants_error_response
from runs.api.errors import error_response
from runs.api.json_rpc_errors import MCP_PATH, rejection_response

# Paths whose responses are always JSON. Below the first one is our own API, below the others the Assistants API.
API_PREFIXES = ("/api/v1/", "/api/", "/v1/", "/openai/")


def is_api_path(path: str) -> bool:
    """Return whether `path` belongs to one of the APIs."""
    return path == MCP_PATH or path.startswith(API_PREFIXES)


def path_error_response(
    path: str, status: int, code: str, message: str, headers: dict[str, str] | None = None, request_id: str = ""
) -> JsonResponse:
    """Return an error for clients of the API at `path`. `message` has no full stop, as in our own API.

    Only our own API names the request in the body: SDKs read its id from the header `X-Request-ID`.
    """
    if path == MCP_PATH:
        return rejection_response(status, code, message, headers)
    if path.startswith(API_PREFIXES[0]):
        return error_response(status, code, message, headers=headers, request_id=request_id)
    return assistants_error_response(status, f"{message}.", code=code, headers=headers)
