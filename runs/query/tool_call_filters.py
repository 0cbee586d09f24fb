"""Calls that went wrong: targets in the steps of a run, each with a small index of its own."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from runs.models.run import CALLS
from runs.query.operators import Given, Match
from runs.query.sql_targets import Scope, any_of, holding, in_steps


@dataclass(frozen=True, slots=True)
class Failing:
    """Tools and functions that were called in a step that failed."""

    def where(self, matches: tuple[Match, ...], key: str | None, scope: Scope) -> Q:  # noqa: ARG002
        return any_of(in_steps(Q(status="failed") & self._one(match)) for match in matches)

    def _one(self, match: Match) -> Q:
        return CALLS if isinstance(match, Given) else holding("tool_names", match)


@dataclass(frozen=True, slots=True)
class Misargued:
    """Functions of which a call did not keep to the run's tools, as far as calls were checked."""

    def where(self, matches: tuple[Match, ...], key: str | None, scope: Scope) -> Q:  # noqa: ARG002
        return any_of(in_steps(~Q(misargued=[]) & self._one(match)) for match in matches)

    def _one(self, match: Match) -> Q:
        """Of those that are not empty, as the indexes have it."""
        return Q(misargued__isnull=False) if isinstance(match, Given) else holding("misargued", match)
