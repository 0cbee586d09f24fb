"""Calls that went wrong: targets in the steps of a run, each with a small index of its own."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from runs.models.run_step import HAS_TOOL_CALLS
from runs.query.operators import Exists, Operator
from runs.query.sql_targets import QueryScope, combine_or, has_step, match_array


@dataclass(frozen=True, slots=True)
class FailedCallTarget:
    """Tools and functions that were called in a step that failed."""

    def where(self, matches: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        return combine_or(has_step(Q(status="failed") & self._one(match)) for match in matches)

    def _one(self, match: Operator) -> Q:
        return HAS_TOOL_CALLS if isinstance(match, Exists) else match_array("tool_names", match)


@dataclass(frozen=True, slots=True)
class InvalidCallTarget:
    """Functions of which a call did not keep to the run's tools, as far as calls were checked."""

    def where(self, matches: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        return combine_or(has_step(~Q(misargued=[]) & self._one(match)) for match in matches)

    def _one(self, match: Operator) -> Q:
        """Of those that are not empty, as the indexes have it."""
        return Q(misargued__isnull=False) if isinstance(match, Exists) else match_array("misargued", match)
