"""Responses to requests that are rejected before Django handles them."""

from __future__ import annotations

from django.http import HttpResponse

from runs.api.errors import error_response


class RequestRejected(Exception):
    """The request is rejected with `response`."""

    def __init__(self, response: HttpResponse, *, close_connection: bool = False) -> None:
        """Reject with `response`; close the connection if the rest of the body is not read."""
        super().__init__(response.status_code)
        self.response = response
        if close_connection:
            response["Connection"] = "close"


class ClientDisconnected(Exception):
    """The client closed the connection before it got a response."""


def slow_body_rejection() -> RequestRejected:
    """Return a rejection with 408: the body arrives too slowly."""
    response = error_response(408, "body_too_slow", "The request body did not arrive in time")
    return RequestRejected(response, close_connection=True)


def busy_rejection(*, close_connection: bool = False) -> RequestRejected:
    """Return a rejection with 503: too many posts at once."""
    message = "Too many posts at once. Try again in a few seconds"
    response = error_response(503, "busy", message, headers={"Retry-After": "2"})
    return RequestRejected(response, close_connection=close_connection)
