"""What clients hear who never get as far as Django."""

from __future__ import annotations

from django.http import HttpResponse

from runs.api.errors import respond


class Refused(Exception):
    """The request is not let through; `response` says why. After `closing` its body can't be waited for."""

    def __init__(self, response: HttpResponse, *, closing: bool = False) -> None:
        super().__init__(response.status_code)
        self.response = response
        if closing:
            response["Connection"] = "close"


class ClientGone(Exception):
    """Nobody is left to answer."""


def too_slow() -> Refused:
    """408: the body doesn't come."""
    return Refused(respond(408, "body_too_slow", "The rest of the body did not come in time"), closing=True)


def busy(*, closing: bool = False) -> Refused:
    """503: more was posted than can be worked on."""
    message = "More is being posted than can be stored at once; try again"
    return Refused(respond(503, "busy", message, headers={"Retry-After": "2"}), closing=closing)
