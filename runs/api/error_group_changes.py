"""Read the bodies of requests that change error groups."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from runs.errors import InvalidDecision, InvalidObject, Problem, UnreadableBody
from runs.models import ErrorGroup, Project
from runs.protocol.validation_errors import problem_from_validation_error
from runs.team.error_groups import (
    MAX_GROUPS_PER_DECISION,
    MAX_IGNORED_RUNS,
    NOBODY,
    Decision,
    build_assignee_change,
    build_state_change,
)

_States = Meta(extra_json_schema={"enum": list(ErrorGroup.State.values)})
_IgnoredUntil = Meta(
    description="What ends the state ignored; forever by default.",
    extra_json_schema={"enum": list(ErrorGroup.IgnoredUntil.values)},
)
# The fields that say more about `ignored_until`, and the value that they belong to.
_IGNORED_UNTIL_FIELDS = {
    "ignored_until_runs": ErrorGroup.IgnoredUntil.RUNS,
    "ignored_until_at": ErrorGroup.IgnoredUntil.DATE,
}


class ErrorGroupChange(Struct, kw_only=True):
    """A change of an error group. Absent fields stay as they are."""

    state: Annotated[str, _States] | UnsetType = UNSET
    ignored_until: Annotated[str, _IgnoredUntil] | UnsetType = UNSET
    ignored_until_runs: Annotated[int, Meta(ge=1, le=MAX_IGNORED_RUNS)] | UnsetType = UNSET
    ignored_until_at: Annotated[datetime, Meta(tz=True)] | UnsetType = UNSET
    assignee: (
        Annotated[str | None, Meta(description="A member who may write, by user name; null: nobody.")] | UnsetType
    ) = UNSET


class ErrorGroupsChange(ErrorGroupChange, kw_only=True):
    """The same change of several error groups."""

    ids: Annotated[list[UUID], Meta(min_length=1, max_length=MAX_GROUPS_PER_DECISION)]


Change = TypeVar("Change", bound=ErrorGroupChange)


def parse_change(content: bytes, change_type: type[Change]) -> Change:
    """Parse the body of a request. Raises UnreadableBody, and InvalidObject with a problem for each wrong field."""
    try:
        value = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableBody(f"The body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidObject(problems=[Problem("", "expected an object")])
    names = change_type.__struct_fields__
    expected = f"unknown field; expected {', '.join(names)}"
    if unknown := [Problem(f"/{name}", expected) for name in value if name not in names]:
        raise InvalidObject(problems=unknown)
    try:
        return msgspec.convert(value, change_type)
    except msgspec.ValidationError as error:
        raise InvalidObject(problems=[problem_from_validation_error("", value, error)]) from error


def build_decisions(project: Project, change: ErrorGroupChange) -> list[Decision]:
    """Return what `change` decides. Raises InvalidObject if a field is invalid, unexpected or missing."""
    problems = list(_find_unexpected_fields(change))
    decisions: list[Decision] = []
    try:
        if change.state is not UNSET:
            decisions.append(build_state_change(change.state, **_get_ignored_until(change)))
        if change.assignee is not UNSET:
            decisions.append(build_assignee_change(project, NOBODY if change.assignee is None else change.assignee))
    except InvalidDecision as error:
        problems += [Problem(f"/{problem.path}", problem.message) for problem in error.problems]
    if not decisions and not problems:
        problems.append(Problem("", "expected `state`, `assignee`, or both"))
    if problems:
        raise InvalidObject(problems=problems)
    return decisions


def _get_ignored_until(change: ErrorGroupChange) -> dict[str, Any]:
    values = {"until": change.ignored_until, "runs": change.ignored_until_runs, "at": change.ignored_until_at}
    return {name: value for name, value in values.items() if value is not UNSET}


def _find_unexpected_fields(change: ErrorGroupChange) -> list[Problem]:
    """Return the problems of fields that would have no effect."""
    if change.state != ErrorGroup.State.IGNORED:
        names = [name for name in ("ignored_until", *_IGNORED_UNTIL_FIELDS) if getattr(change, name) is not UNSET]
        return [Problem(f"/{name}", "expected only with the state ignored") for name in names]
    return [
        Problem(f"/{name}", f"expected only with `ignored_until` {until}")
        for name, until in _IGNORED_UNTIL_FIELDS.items()
        if getattr(change, name) is not UNSET and change.ignored_until != until
    ]
