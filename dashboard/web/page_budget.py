"""The size of a page: how many bytes of posted values the response to one request may still contain."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from html import escape

from django.http import HttpRequest, HttpResponseBase

MAX_PRINTED_BYTES = 350_000
# Some of each value is always printed, however large the others are.
MIN_PRINTED_CHARACTERS = 80

_remaining: ContextVar[int] = ContextVar("remaining", default=MAX_PRINTED_BYTES)


class PageBudgetMiddleware:
    """Gives each request the whole budget."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Set the next middleware or view."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Respond to a request."""
        _remaining.set(MAX_PRINTED_BYTES)
        return self.get_response(request)


def fit_into_page(text: str) -> str:
    """Return as much of the beginning of `text` as the page has room for, and subtract it from the budget."""
    remaining = _remaining.get()
    size = len(escape(text).encode(errors="replace"))
    if size > remaining:
        text = text[: max(MIN_PRINTED_CHARACTERS, len(text) * max(remaining, 0) // size)]
        size = len(escape(text).encode(errors="replace"))
    _remaining.set(remaining - size)
    return text
