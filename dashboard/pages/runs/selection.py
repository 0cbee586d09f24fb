"""The runs that were ticked in the list, as its form posts them."""

from __future__ import annotations

import uuid

from django.http import HttpRequest

from runs.errors import InvalidFilter, Problem

FIELD = "run"


def parse_selected_runs(request: HttpRequest) -> list[uuid.UUID]:
    """The stored ids of the ticked rows. Raises InvalidFilter where there is none, or what is no id."""
    try:
        keys = [uuid.UUID(value) for value in request.POST.getlist(FIELD)]
    except ValueError as error:
        raise _refusal("not the id of a row") from error
    if not keys:
        raise _refusal("no runs are selected")
    return keys


def _refusal(message: str) -> InvalidFilter:
    return InvalidFilter(f"{FIELD}: {message}", [Problem(FIELD, message)])
