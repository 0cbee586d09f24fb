"""What clients hear who never get as far as Django."""

from __future__ import annotations

from django.http import HttpResponse

from runs.api.errors import error_response


class RequestRejected(Exception):
    """The request is not let through; `response` says why. After `closing` its body can't be waited for."""

    def __init__(self, response: HttpResponse, *, closing: bool = False) -> None:
        super().__init__(response.status_code)
        self.response = response
        if closing:
            response["Connection"] = "close"


class ClientDisconnected(Exception):
    """Nobody is left to answer."""


def slow_body_rejection() -> RequestRejected:
    """408: the body doesn't come."""
    return RequestRejected(
        error_response(408, "body_too_slow", "The rest of the body did not come in time"), closing=True
    )


def busy_rejection(*, closing: bool = False) -> RequestRejected:
    """503: more was posted than can be worked on."""
    message = "More is being posted than can be stored at once; try again"
    return RequestRejected(error_response(503, "busy", message, headers={"Retry-After": "2"}), closing=closing)
