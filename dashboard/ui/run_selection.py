"""The runs that are selected in the run list, as its form posts them."""

from __future__ import annotations

import uuid

from django.http import HttpRequest

from runs.errors import InvalidFilter, Problem

FIELD = "run"
UNSEEN_FIELD = "unseen_run"  # selected before its row left the list


def parse_selected_runs(request: HttpRequest, *, seen_only: bool = False) -> list[uuid.UUID]:
    """Return the primary keys of the selected runs, or with `seen_only` of those whose rows are on the page.

    Raises:
        InvalidFilter: No run is selected, or a value is not a primary key.
    """
    values = request.POST.getlist(FIELD) + ([] if seen_only else request.POST.getlist(UNSEEN_FIELD))
    try:
        keys = [uuid.UUID(value) for value in values]
    except ValueError as error:
        raise _invalid_selection("not the id of a row") from error
    if not keys and not seen_only:
        raise _invalid_selection("no runs are selected")
    return keys


def _invalid_selection(message: str) -> InvalidFilter:
    return InvalidFilter(f"{FIELD}: {message}", [Problem(FIELD, message)])
