"""Turn exceptions into the error responses of OTLP/HTTP: google.rpc.Status in the encoding of the request.

Exporters try again after 429, 502, 503 and 504 only. Python's gives up 10 seconds after its first try, so they are
told to wait a second.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from runs.api.errors import handle_api_error
from runs.protocol.lossless_json import decode_json
from runs.protocol.otlp.export_responses import encode_rpc_status

OTLP_PATHS = frozenset({"/v1/traces", "/v1/traces/ingest", "/v1/logs", "/v1/metrics"})

_RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})
_RETRY_AFTER_SECONDS = "1"
# Not retryable in OTLP, but the request would succeed later: the client was too slow.
_REQUEST_TIMEOUT, _UNAVAILABLE = 408, 503


def handle_otlp_error(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Return the response for `error`, or None for a bug. Django REST framework's exception handler."""
    response = handle_api_error(error, context)
    if response is None:
        return None
    request: Request = context["request"]
    kept_headers = ("WWW-Authenticate", "Allow", *(["Retry-After"] if isinstance(error, Throttled) else []))
    message = decode_json(response.content)["error"]["message"]
    return otlp_error_response(
        response.status_code,
        message,
        request.headers.get("Content-Type", ""),
        {name: response[name] for name in kept_headers if name in response},
    )


def otlp_error_response(
    status_code: int, message: str, content_type: str, headers: dict[str, str] | None = None
) -> HttpResponse:
    """Return an error in the encoding of `content_type`, that of the request."""
    status_code = _UNAVAILABLE if status_code == _REQUEST_TIMEOUT else status_code
    payload = encode_rpc_status(content_type, status_code, message)
    response = HttpResponse(payload.content, status=status_code, content_type=payload.content_type, headers=headers)
    if status_code in _RETRYABLE_STATUSES:
        response.setdefault("Retry-After", _RETRY_AFTER_SECONDS)
    return response
