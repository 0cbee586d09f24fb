"""The filter state of the run list, and the cursor that says where a page of it begins."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import Q
from django.utils import timezone

from runs.errors import InvalidFilter, Problem
from runs.filters.fields import CHOICES, suggestion
from runs.filters.moments import Moment


@dataclass(frozen=True, slots=True)
class RunFilters:
    """Which runs are asked for. Values of one field are alternatives; different fields must all hold."""

    status: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    assistant: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    thread: tuple[str, ...] = ()
    since: Moment | None = None
    until: Moment | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, Sequence[str]], *, also: Sequence[str] = ()) -> RunFilters:
        """Read a query string that was taken apart into lists of values (`dict(request.GET.lists())`).

        `also`: parameters that mean something else to the caller. Every other unknown parameter and every
        value that can't be meant is refused: raises InvalidFilter, one problem each, `path` the parameter.
        """
        problems = [
            Problem(name, _unknown_parameter(name)) for name in query if name not in _PARAMETERS and name not in also
        ]
        found: dict[str, Any] = {}
        for field in CHOICES:
            values = tuple(dict.fromkeys(query.get(field.name, ())))
            problems += [Problem(field.name, reason) for value in values if (reason := field.problem(value))]
            found[field.name] = values
        for parameter, name in _MOMENTS.items():
            found[name] = _moment(parameter, query.get(parameter, ()), problems)
        if problems:
            raise InvalidFilter("; ".join(f"{each.path}: {each.message}" for each in problems), problems)
        return cls(**found)

    def query(self, **changes: Any) -> str:
        """The canonical query string, with `changes` made to the state first: `f.query(status=())`."""
        state = replace(self, **changes)
        return urlencode([pair for pair in state.pairs() if pair[1]], doseq=True)

    def pairs(self) -> list[tuple[str, str]]:
        """Parameters and values in their fixed order; what is not filtered is left out."""
        chosen = [(field.name, value) for field in CHOICES for value in getattr(self, field.name)]
        times = [(parameter, getattr(self, name)) for parameter, name in _MOMENTS.items()]
        return chosen + [(parameter, str(moment)) for parameter, moment in times if moment]

    def conditions(self, now: datetime | None = None) -> Q:
        """What a run's columns must satisfy; relative times are seen from `now`."""
        now = now or timezone.now()
        conditions = Q()
        for field in CHOICES:
            if values := getattr(self, field.name):
                conditions &= Q(**{f"{field.column}__in": values})
        if self.since:
            conditions &= Q(created_at__gte=self.since.at(now))
        if self.until:
            conditions &= Q(created_at__lt=self.until.at(now))
        return conditions

    def describe(self) -> str:
        """The state as a sentence: `runs with status failed or expired on gpt-4o since 24 hours ago`."""
        words = ["runs"]
        for field in CHOICES:
            if values := getattr(self, field.name):
                words.append(f"{field.words} {' or '.join(values)}")
        if self.since:
            words.append(f"since {self.since.describe()}")
        if self.until:
            words.append(f"before {self.until.describe()}")
        return " ".join(words)

    def without(self, name: str) -> RunFilters:
        """The state without what is asked of the field `name`."""
        return replace(self, **{name: None if name in _MOMENTS.values() else ()})

    def toggled(self, name: str, value: str) -> RunFilters:
        """The state with `value` of the choice field `name` added, or taken away where it is there."""
        chosen = getattr(self, name)
        changed = tuple(each for each in chosen if each != value) if value in chosen else (*chosen, value)
        return replace(self, **{name: changed})

    @property
    def active(self) -> list[str]:
        """The names of the fields that are filtered."""
        return [field.name for field in fields(self) if getattr(self, field.name)]

    def __bool__(self) -> bool:
        return bool(self.active)


_MOMENTS = {"from": "since", "to": "until"}
_PARAMETERS = (*(field.name for field in CHOICES), *_MOMENTS)


def _unknown_parameter(name: str) -> str:
    near = suggestion(name, _PARAMETERS)
    return "unknown parameter" + (f"; did you mean '{near}'?" if near else f"; known are {', '.join(_PARAMETERS)}")


def _moment(parameter: str, values: Sequence[str], problems: list[Problem]) -> Moment | None:
    filled = [value for value in values if value.strip()]
    if len(filled) > 1:
        problems.append(Problem(parameter, "given more than once"))
    if len(filled) != 1:
        return None
    try:
        return Moment.parse(filled[0])
    except ValueError as error:
        problems.append(Problem(parameter, str(error)))
        return None


class Cursor(NamedTuple):
    """The run after which a page begins, newest first. It stays right while runs arrive or go."""

    created_at: datetime
    id: uuid.UUID

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read what `str()` gave. Raises InvalidFilter."""
        try:
            moment, _, key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(" ")
            return cls(datetime.fromisoformat(moment).astimezone(UTC), uuid.UUID(key))
        except (ValueError, binascii.Error, OverflowError) as error:
            raise InvalidFilter("cursor: not a cursor", [Problem("cursor", "not a cursor")]) from error

    def __str__(self) -> str:
        raw = f"{self.created_at.astimezone(UTC).isoformat()} {self.id}"
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")
