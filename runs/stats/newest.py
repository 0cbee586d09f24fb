"""The newest matches: what is counted where counting all of them would keep a page waiting."""

from __future__ import annotations

from typing import Any

from runs import sql
from runs.filters import RunFilters
from runs.models import Project, Run

# Counting more would make a page wait for numbers that nobody reads to the last digit.
MOST_COUNTED = 10_000


def statement(project: Project, filters: RunFilters, most: int, *columns: str) -> tuple[str, tuple[Any, ...]]:
    """SQL and parameters for the newest matches, each with its `place` from 1; goes between parentheses.

    There is one more than `most`, which tells whether there are more, and counts for nothing else.
    """
    found = Run.objects.in_project(project).matching(filters).newest_first()
    inner, parameters = sql.of(found.values("created_at", "id", *columns)[: most + 1])
    place = "row_number() OVER (ORDER BY created_at DESC, id DESC) AS place"
    return f"SELECT *, {place} FROM ({inner}) AS found", parameters  # noqa: S608 - the ORM's own
