"""The runs that are selected in the run list, as its form posts them."""

from __future__ import annotations

import uuid

from django.http import HttpRequest

from runs.errors import InvalidFilter, Problem

FIELD = "run"


def parse_selected_runs(request: HttpRequest) -> list[uuid.UUID]:
    """Return the primary keys of the selected runs.

    Raises:
        InvalidFilter: No run is selected, or a value is not a primary key.
    """
    try:
        keys = [uuid.UUID(value) for value in request.POST.getlist(FIELD)]
    except ValueError as error:
        raise _invalid_selection("not the id of a row") from error
    if not keys:
        raise _invalid_selection("no runs are selected")
    return keys


def _invalid_selection(message: str) -> InvalidFilter:
    return InvalidFilter(f"{FIELD}: {message}", [Problem(FIELD, message)])
