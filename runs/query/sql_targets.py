"""Where a field's answer is: a column, the steps, the configuration. From what is asked to a condition on runs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, Protocol

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual

from runs.db import lookups
from runs.db.keyset_pagination import MISSING_SORT_VALUE, coalesce_missing
from runs.models import (
    Assistant,
    Configuration,
    ErrorGroup,
    HourByTool,
    MetadataKey,
    MetadataValue,
    Project,
    RunStep,
    RunTag,
)
from runs.query.operators import Comparison, Contains, Equals, Operator, Quantity, Range, Wildcard, escape_like
from runs.query.operators import Exists as Given

MATCH_NONE = Q(pk__in=[])
# Ids of configurations and groups, and names, that are written out, which the planner serves best. More of them match
# so much that walking the list is right, and a subquery is as good.
MAX_INLINE_IDS = 500
# Values of metadata that are written out for a pattern: each is compared with those of every run that is looked at.
MAX_INLINE_VALUES = 50

# Of `or_least`, hence never of null.
_COMPARISONS = {"gt": GreaterThan, "gte": GreaterThanOrEqual, "lt": LessThan, "lte": LessThanOrEqual}
NEVER_NULL_EXPRESSIONS = (Exists, *_COMPARISONS.values())


@dataclass(frozen=True, slots=True)
class QueryScope:
    """Within what is asked: one project, or all where it is None; `now` is what relative times are seen from."""

    project: Project | None
    now: datetime
    _known: dict[tuple[str, tuple[Operator, ...]], dict[str, datetime] | None] = field(
        default_factory=dict, compare=False
    )

    def configurations(self, condition: Q) -> Q:
        """The runs whose configuration fulfils `condition`; one query, for the ids."""
        return self._runs_of("configuration", Configuration.objects.filter(condition))

    def error_groups(self, condition: Q) -> Q:
        """The runs whose error group fulfils `condition`; one query, for the ids."""
        return self._runs_of("error_group", ErrorGroup.objects.filter(condition))

    def called_like(self, match: Wildcard) -> list[str] | None:
        """The functions of that pattern that were ever called, None where they may be many; one query."""
        if self.project is None:
            return None
        called = HourByTool._default_manager.filter(project=self.project, type="function", name__like=match.sql)
        names = list(called.order_by("name").values_list("name", flat=True).distinct()[: MAX_INLINE_IDS + 1])
        return names if len(names) <= MAX_INLINE_IDS else None

    def metadata_values(self, key: str, matches: tuple[Operator, ...]) -> dict[str, datetime] | None:
        """The values of a key of the metadata of which one of `matches` holds, and the last hour of runs with each.

        None where not all values are known, or very many are meant. Asks the database once.
        """
        asked = key, matches
        if asked not in self._known:
            self._known[asked] = self._metadata_values(key, matches)
        return self._known[asked]

    def _metadata_values(self, key: str, matches: tuple[Operator, ...]) -> dict[str, datetime] | None:
        if self.project is None or not all(isinstance(match, Equals | Wildcard) for match in matches):
            return None
        if not MetadataKey.objects.in_project(self.project).has_all_values(key):
            return None
        values = [match.value for match in matches if isinstance(match, Equals)]
        patterns = [match.sql for match in matches if isinstance(match, Wildcard)]
        return MetadataValue.objects.of_key(self.project, key).fetch_last_hours(values, patterns, MAX_INLINE_VALUES)

    def last_tagged(self, matches: tuple[Operator, ...]) -> datetime | None:
        """When the newest run was created that has a tag of which one of `matches` holds; one query for each."""
        if self.project is None:
            return None
        tags = RunTag.objects.in_project(self.project)
        found = (
            tags.named([match.value])
            if isinstance(match, Equals)
            else tags.like(match.sql)
            if isinstance(match, Wildcard)
            else tags
            for match in matches
        )
        return max(filter(None, (each.newest_run_created_at() for each in found)), default=None)

    def assistants_like(self, matches: Iterable[Operator]) -> list[str]:
        """The ids of the assistants that are shown by a name of which one of `matches` holds; one query."""
        patterns = [
            match.sql if isinstance(match, Wildcard) else escape_like(match.value)
            for match in matches
            if isinstance(match, Equals | Wildcard)
        ]
        if self.project is None or not patterns:
            return []
        return Assistant.objects.ids_with_name_like(self.project, patterns)

    def _runs_of(self, name: str, found: QuerySet[Any]) -> Q:
        if self.project is not None:
            found = found.filter(project=self.project)
        ids = list(found.values_list("pk", flat=True)[: MAX_INLINE_IDS + 1])
        if len(ids) > MAX_INLINE_IDS:
            return Q(**{f"{name}__in": found.values("pk")})
        return Q(**{f"{name}__in": sorted(ids)}) if ids else MATCH_NONE


class SqlTarget(Protocol):
    """Where a field's answer is."""

    def where(self, matches: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:
        """The runs of which one of `matches` holds."""


@dataclass(frozen=True, slots=True)
class ColumnTarget:
    """A text column of the run."""

    name: str

    def where(self, matches: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        values = [match.value for match in matches if isinstance(match, Equals)]
        others = [match for match in matches if not isinstance(match, Equals)]
        conditions = [self._one(match) for match in others]
        return combine_or([Q(**{f"{self.name}__in": values}), *conditions] if values else conditions)

    def _one(self, match: Operator) -> Q:
        match match:
            case Given():
                return Q(**{f"{self.name}__isnull": False})
            case Wildcard():
                return Q(**{f"{self.name}__like": match.sql})
            case Contains():
                return Q(**{f"{self.name}__ilike": match.sql})
        raise unsupported_operator(match)


@dataclass(frozen=True, slots=True)
class AssistantTarget:
    """The assistant's id, or the name that is shown in its place. Of a name that several have, all are meant."""

    def where(self, matches: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:
        named = tuple(Equals(assistant_id) for assistant_id in scope.assistants_like(matches))
        return ColumnTarget("assistant_id").where((*matches, *named), key, scope)


@dataclass(frozen=True, slots=True)
class ErrorTarget:
    """The error's code, or with a text its message or its code (some servers put sentences there)."""

    def where(self, matches: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:
        texts = [match for match in matches if isinstance(match, Contains)]
        codes = tuple(match for match in matches if not isinstance(match, Contains))
        found = [Q(error_message__ilike=each.sql) | Q(error_code=each.text) for each in texts]
        return combine_or([ColumnTarget("error_code").where(codes, key, scope), *found] if codes else found)


@dataclass(frozen=True, slots=True)
class OrderedColumnTarget:
    """A column with an order."""

    name: str

    def where(self, matches: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        return combine_or(self._one(match, scope.now) for match in matches)

    def _one(self, match: Operator, now: datetime) -> Q:
        match match:
            case Given():
                return self._given()
            case Comparison():
                return self._compared(match, now)
            case Range(low, high):
                return self._from(low, now) & self._through(high, now)
        raise unsupported_operator(match)

    def _given(self) -> Q:
        return Q(**{f"{self.name}__isnull": False})

    def _compared(self, match: Comparison, now: datetime) -> Q:
        start, end = match.quantity.span(now)
        match match.sign:
            case ">=":
                return self._from(match.quantity, now)
            case "<=":
                return self._through(match.quantity, now)
            case "<":
                return self._bound("lt", start)
            case ">":
                return self._bound("gt", start) if end is None else self._bound("gte", end)
            case "=":
                return self._from(match.quantity, now) & self._through(match.quantity, now)

    def _from(self, quantity: Quantity, now: datetime) -> Q:
        return self._bound("gte", quantity.span(now)[0])

    def _through(self, quantity: Quantity, now: datetime) -> Q:
        start, end = quantity.span(now)
        return self._bound("lte", start) if end is None else self._bound("lt", end)

    def _bound(self, lookup: str, value: int | datetime) -> Q:
        return Q(**{f"{self.name}__{lookup}": value})


@dataclass(frozen=True, slots=True)
class SortableColumnTarget(OrderedColumnTarget):
    """A column that runs are sorted by too, asked in the words of that index: what has no value counts as least."""

    def _given(self) -> Q:
        return self._bound("gt", MISSING_SORT_VALUE)

    def _bound(self, lookup: str, value: int | datetime) -> Q:
        condition = Q(_COMPARISONS[lookup](coalesce_missing(self.name), value))
        return condition & self._bound("gt", MISSING_SORT_VALUE) if lookup.startswith("lt") else condition


@dataclass(frozen=True, slots=True)
class ElapsedTimeTarget(OrderedColumnTarget):
    """The milliseconds from the run's creation to a later moment, which is a column."""

    def _bound(self, lookup: str, value: int | datetime) -> Q:
        assert isinstance(value, int)  # noqa: S101 - a duration's span
        waited = F(self.name) - F("created_at")
        return self._given() & Q(_COMPARISONS[lookup](waited, timedelta(milliseconds=value)))


@dataclass(frozen=True, slots=True)
class ArrayTarget:
    """An array of texts in the run."""

    name: str

    def where(self, matches: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        return combine_or(match_array(self.name, match) for match in matches)


@dataclass(frozen=True, slots=True)
class TagTarget:
    """The team's own labels, which lie beside the run."""

    def where(self, matches: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        return combine_or(self._one(match, scope) for match in matches)

    def _one(self, match: Operator, scope: QueryScope) -> Q:
        tags = RunTag.objects.filter(run=OuterRef("pk"))
        if scope.project is not None:
            tags = tags.filter(project=scope.project)
        match match:
            case Given():
                return Q(Exists(tags))
            case Equals(value):
                return Q(Exists(tags.filter(tag=value)))
            case Wildcard():
                return Q(Exists(tags.filter(tag__like=match.sql)))
        raise unsupported_operator(match)


@dataclass(frozen=True, slots=True)
class ConfigurationTarget:
    """A text or an array of texts in the run's configuration."""

    name: str

    def where(self, matches: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        return scope.configurations(combine_or(self.one(match) for match in matches))

    def one(self, match: Operator) -> Q:
        """What a configuration has to be."""
        match match:
            case Contains():
                return Q(**{f"{self.name}__ilike": match.sql})
            case Given() if self.name == "instructions":
                return Q(instructions__isnull=False)
        return match_array(self.name, match)


@dataclass(frozen=True, slots=True)
class ConfigurationIdTarget:
    """The configuration's id, by its beginning."""

    def where(self, matches: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        return scope.configurations(combine_or(_begins(match) for match in matches))


@dataclass(frozen=True, slots=True)
class ErrorGroupIdTarget:
    """The error group's id, by its beginning."""

    def where(self, matches: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        if any(isinstance(match, Given) for match in matches):
            return Q(error_group__isnull=False)
        return scope.error_groups(combine_or(_begins(match) for match in matches))


def _begins(match: Operator) -> Q:
    if not isinstance(match, Equals):
        raise unsupported_operator(match)
    low, high = (uuid.UUID(match.value.ljust(32, digit)) for digit in "0f")
    return Q(pk__range=(low, high))


@dataclass(frozen=True, slots=True)
class CalledFunctionTarget:
    """Functions that the run's steps tell of."""

    def where(self, matches: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        return combine_or(self._one(match, scope) for match in matches)

    def _one(self, match: Operator, scope: QueryScope) -> Q:
        match match:
            case Given():
                return has_step(Q(tool_types__contains=["function"]))
            case Equals(value):
                # the index finds the name, and few of those it finds are no function's
                return has_step(Q(tool_names__contains=[value]) & Q(lookups.CallsFunctionLike(escape_like(value))))
            case Wildcard():
                return self._like(match, scope)
        raise unsupported_operator(match)

    def _like(self, match: Wildcard, scope: QueryScope) -> Q:
        """No index knows of patterns; but sums know every name that was called, and names are few."""
        calls = Q(lookups.CallsFunctionLike(match.sql))
        names = scope.called_like(match)
        if names is None:
            return has_step(calls)
        return has_step(Q(tool_names__overlap=names) & calls) if names else MATCH_NONE


@dataclass(frozen=True, slots=True)
class ToolTarget:
    """Kinds of tools and names of functions, that the run could call or did."""

    def where(self, matches: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        return combine_or(
            scope.configurations(match_array("tool_types", match) | match_array("function_names", match))
            | has_step(match_array("tool_types", match) | match_array("tool_names", match))
            for match in matches
        )


def has_step(condition: Q) -> Q:
    """The runs with a step that fulfils `condition`."""
    return Q(Exists(RunStep.objects.filter(condition, run=OuterRef("pk"))))


def match_array(name: str, match: Operator) -> Q:
    """An array with an element that is of `match`."""
    match match:
        case Given():
            # the first is what a partial index knows
            return Q(**{f"{name}__isnull": False}) & Q(**{f"{name}__len__gt": 0})
        case Equals(value):
            return Q(**{f"{name}__contains": [value]})
        case Wildcard():
            return Q(**{f"{name}__any_like": match.sql})
    raise unsupported_operator(match)


def match_free_text(text: str, scope: QueryScope) -> Q:
    """The runs that a free text finds. Each part has an index of its own, so that Postgres can unite them."""
    contains = Contains(text)
    configured = scope.configurations(Q(instructions__ilike=contains.sql) | Q(function_names__contains=[text]))
    return (
        Q(external_id__like=f"{escape_like(text)}%")
        | Q(thread_id=text)
        | Q(assistant_id=text)
        | Q(error_message__ilike=contains.sql)
        | Q(metadata__has_value=f"$.* == {json.dumps(text)}")
        | configured
    )


def combine_or(conditions: Iterable[Q]) -> Q:
    """One of `conditions`, of which there is one at least."""
    return reduce(or_, conditions)


def unsupported_operator(match: Operator) -> TypeError:
    """A kind reads what its field's target doesn't know: the registry is wrong."""
    return TypeError(f"no condition for {match!r}")
