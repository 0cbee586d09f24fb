"""Middleware that keeps caches from storing what only signed-in users and API clients may see."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase


class PrivateResponseMiddleware:
    """Marks every response as `private, no-store` unless its view decides otherwise.

    Also the browser stores no copy, so that its Back button shows nothing after a user has signed out. Static files,
    which set a header of their own, stay cacheable.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Set the next middleware or view."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Respond to a request."""
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response
