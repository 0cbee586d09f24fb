"""The SQL of the query fields. A target turns the operators of a term into a condition on runs.

The conditions are worded exactly as the expressions and predicates of the indexes, which is what makes Postgres use
them.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, Protocol

from django.db import models
from django.db.models import Case, F, OuterRef, Q, Value
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual, IsNull, LessThan, LessThanOrEqual

from runs.db import lookups
from runs.db.keyset_pagination import MISSING_SORT_VALUE, coalesce_missing
from runs.models import RunReview, RunSource, RunStep, RunTag, SearchText
from runs.models.first_start import find_first_start
from runs.models.run_review import RunReviewQuerySet
from runs.models.run_step import HAS_TOOL_CALLS
from runs.query.content_search import TEXT_COLUMNS, ContentMatch
from runs.query.operators import (
    Comparison,
    Contains,
    Equals,
    Exists,
    Operator,
    Quantity,
    Range,
    Wildcard,
    escape_like,
)
from runs.query.scope import MATCH_NONE, QueryScope
from runs.query.value_types import NOT_REVIEWED, REVIEWED

_COMPARISONS = {"gt": GreaterThan, "gte": GreaterThanOrEqual, "lt": LessThan, "lte": LessThanOrEqual}
# Expressions that are never null: the comparisons are only applied to `coalesce_missing`.
NEVER_NULL_EXPRESSIONS = (models.Exists, *_COMPARISONS.values())
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,15})?")


class SqlTarget(Protocol):
    """The place where the value of a field is stored."""

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:
        """Return the condition on runs that any of `operators` matches; `key` is set for fields with keys."""


# Columns of the run


@dataclass(frozen=True, slots=True)
class ColumnTarget:
    """A text column."""

    name: str

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        """Return one IN for all exact values, and a condition for each other operator."""
        values = [operator.value for operator in operators if isinstance(operator, Equals)]
        conditions = [self._match(operator) for operator in operators if not isinstance(operator, Equals)]
        return combine_or([Q(**{f"{self.name}__in": values}), *conditions] if values else conditions)

    def _match(self, operator: Operator) -> Q:
        match operator:
            case Exists():
                return Q(**{f"{self.name}__isnull": False})
            case Wildcard():
                return Q(**{f"{self.name}__like": operator.like_pattern})
            case Contains():
                return Q(**{f"{self.name}__ilike": operator.ilike_pattern})
        raise unsupported_operator(operator)


@dataclass(frozen=True, slots=True)
class SourceTarget:
    """The source, by its name."""

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        """Return the condition on the number of the source."""
        return Q(source__in=sorted(match_sources(operators)))


def match_sources(operators: Iterable[Operator]) -> set[RunSource]:
    """Return the sources whose names match any of `operators`."""
    return {source for operator in operators for source in RunSource if _is_source_match(operator, source.label)}


def _is_source_match(operator: Operator, name: str) -> bool:
    match operator:
        case Equals(value):
            return name == value
        case Exists():
            return True
        case Wildcard(pattern):
            return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None
    raise unsupported_operator(operator)


@dataclass(frozen=True, slots=True)
class AssistantTarget:
    """The assistant's id or display name. A name that several assistants have matches all of them."""

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:
        """Return the condition on the id, with the ids of the matching names added."""
        named = tuple(Equals(assistant_id) for assistant_id in scope.fetch_assistant_ids(operators))
        return ColumnTarget("assistant_id").build_condition((*operators, *named), key, scope)


@dataclass(frozen=True, slots=True)
class ErrorTarget:
    """The error code, or a text in the error message. The text may be the code: some servers put sentences there."""

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:
        """Return the condition on the code for codes, on message and code for texts."""
        texts = [operator for operator in operators if isinstance(operator, Contains)]
        codes = tuple(operator for operator in operators if not isinstance(operator, Contains))
        conditions = [Q(error_message__ilike=text.ilike_pattern) | Q(error_code=text.text) for text in texts]
        if codes:
            conditions.insert(0, ColumnTarget("error_code").build_condition(codes, key, scope))
        return combine_or(conditions)


@dataclass(frozen=True, slots=True)
class ErrorGroupIdTarget:
    """The id of the error group, by its first digits."""

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        """Return the condition on the error group."""
        if any(isinstance(operator, Exists) for operator in operators):
            return Q(error_group__isnull=False)
        return scope.match_error_groups(combine_or(_match_id_prefix(operator) for operator in operators))


@dataclass(frozen=True, slots=True)
class OrderedColumnTarget:
    """A column of quantities."""

    name: str

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        """Return the comparisons with the column."""
        return combine_or(self._match(operator, scope.now) for operator in operators)

    def _match(self, operator: Operator, now: datetime) -> Q:
        match operator:
            case Exists():
                return self._is_set()
            case Comparison():
                return self._compare(operator, now)
            case Range(low, high):
                return self._at_least(low, now) & self._at_most(high, now)
        raise unsupported_operator(operator)

    def _compare(self, comparison: Comparison, now: datetime) -> Q:
        start, end = comparison.quantity.bounds(now)
        match comparison.sign:
            case ">=":
                return self._at_least(comparison.quantity, now)
            case "<=":
                return self._at_most(comparison.quantity, now)
            case "<":
                return self._bound("lt", start)
            case ">":
                return self._bound("gt", start) if end is None else self._bound("gte", end)
            case "=":
                return self._at_least(comparison.quantity, now) & self._at_most(comparison.quantity, now)

    def _at_least(self, quantity: Quantity, now: datetime) -> Q:
        return self._bound("gte", quantity.bounds(now)[0])

    def _at_most(self, quantity: Quantity, now: datetime) -> Q:
        start, end = quantity.bounds(now)
        return self._bound("lte", start) if end is None else self._bound("lt", end)

    def _is_set(self) -> Q:
        return Q(**{f"{self.name}__isnull": False})

    def _bound(self, lookup: str, value: int | datetime) -> Q:
        return Q(**{f"{self.name}__{lookup}": value})


@dataclass(frozen=True, slots=True)
class SortableColumnTarget(OrderedColumnTarget):
    """A column that runs can be sorted by. Uses the expression of its index, in which missing values are lowest."""

    def _is_set(self) -> Q:
        return self._bound("gt", MISSING_SORT_VALUE)

    def _bound(self, lookup: str, value: int | datetime) -> Q:
        condition = Q(_COMPARISONS[lookup](coalesce_missing(self.name), value))
        return condition & self._bound("gt", MISSING_SORT_VALUE) if lookup.startswith("lt") else condition


@dataclass(frozen=True, slots=True)
class ElapsedTimeTarget(OrderedColumnTarget):
    """The milliseconds from the creation of the run to the time in a column."""

    def _bound(self, lookup: str, value: int | datetime) -> Q:
        return self._is_set() & _compare_elapsed(F(self.name), lookup, value)


@dataclass(frozen=True, slots=True)
class QueueTimeTarget(OrderedColumnTarget):
    """The milliseconds from the creation of the run to its first start, where that is known."""

    name: str = "started_at"

    def _is_set(self) -> Q:
        return Q(started_at__isnull=False) & Q(IsNull(find_first_start(), False))

    def _bound(self, lookup: str, value: int | datetime) -> Q:
        is_within = Q(started_at__isnull=False) & _compare_elapsed(find_first_start(), lookup, value)
        if lookup.startswith("lt"):
            return is_within
        # The first start is no later than `started_at`: a condition that an index serves, and that few runs meet.
        return _compare_elapsed(F("started_at"), lookup, value) & is_within


@dataclass(frozen=True, slots=True)
class ArrayTarget:
    """A column with an array of texts."""

    name: str

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        """Return the condition that an element matches."""
        return combine_or(match_array(self.name, operator) for operator in operators)


@dataclass(frozen=True, slots=True)
class MetadataTarget:
    """The value of one metadata key."""

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:
        """Return the condition on the value; nothing matches if the project has no such value."""
        assert key is not None  # noqa: S101 - the grammar requires one
        known_values = scope.fetch_metadata_values(key, operators)
        if known_values is not None and not known_values:
            return MATCH_NONE
        return combine_or(self._match(operator, key, known_values) for operator in operators)

    def _match(self, operator: Operator, key: str, known_values: Iterable[str] | None) -> Q:
        match operator:
            case Exists():
                return Q(metadata__has_key=key)
            case Equals(value):
                return self._has_value(key, value)
            case Wildcard():
                text = lookups.JsonExtractText(F("metadata"), Value(key))
                is_like = Q(metadata__has_key=key) & Q(lookups.LikeLookup(text, operator.like_pattern))
                if known_values is None:
                    return is_like
                # no index serves a pattern, but one serves the values that match it
                return is_like & combine_or(self._has_value(key, value) for value in known_values)
        raise unsupported_operator(operator)

    def _has_value(self, key: str, value: str) -> Q:
        """Match the text, and the number or boolean that a server may send in its place."""
        json_values: list[Any] = [value]
        if _JSON_NUMBER.fullmatch(value) or value in ("true", "false"):
            json_values.append(json.loads(value))
        return combine_or(Q(metadata__contains={key: json_value}) for json_value in json_values)


# Tags, reviews, configurations and steps


@dataclass(frozen=True, slots=True)
class TagTarget:
    """The tags of the run."""

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        """Return the condition that the run has a matching tag."""
        return combine_or(self._match(operator, scope) for operator in operators)

    def _match(self, operator: Operator, scope: QueryScope) -> Q:
        tags = RunTag.objects.filter(run=OuterRef("pk"))
        if scope.project is not None:
            tags = tags.filter(project=scope.project)
        match operator:
            case Exists():
                return Q(models.Exists(tags))
            case Equals(value):
                return Q(models.Exists(tags.filter(tag=value)))
            case Wildcard():
                return Q(models.Exists(tags.filter(tag__like=operator.like_pattern)))
        raise unsupported_operator(operator)


@dataclass(frozen=True, slots=True)
class ReviewTarget:
    """The review of the run."""

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        """Return the condition that the run has a matching review, or none at all for `no`."""
        reviews = RunReview.objects.filter(run=OuterRef("pk"))
        if scope.project is not None:
            reviews = reviews.in_project(scope.project)
        return combine_or(self._match(operator, reviews) for operator in operators)

    def _match(self, operator: Operator, reviews: RunReviewQuerySet) -> Q:
        match operator:
            case Equals(value) if value == REVIEWED:
                return Q(models.Exists(reviews))
            case Equals(value) if value == NOT_REVIEWED:
                return ~Q(models.Exists(reviews))
            case Equals(name):
                return Q(models.Exists(reviews.by_reviewers([name])))
            case Wildcard():
                return Q(models.Exists(reviews.by_reviewers_like(operator.like_pattern)))
        raise unsupported_operator(operator)


@dataclass(frozen=True, slots=True)
class ConfigurationTarget:
    """A text, or an array of texts, of the run's configuration."""

    name: str

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        """Return the condition on the configuration."""
        return scope.match_configurations(combine_or(self._match(operator) for operator in operators))

    def _match(self, operator: Operator) -> Q:
        match operator:
            case Contains():
                return Q(**{f"{self.name}__ilike": operator.ilike_pattern})
            case Exists() if self.name == "instructions":
                return Q(instructions__isnull=False)
        return match_array(self.name, operator)


@dataclass(frozen=True, slots=True)
class ConfigurationIdTarget:
    """The id of the configuration, by its first digits."""

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        """Return the condition on the configuration."""
        return scope.match_configurations(combine_or(_match_id_prefix(operator) for operator in operators))


@dataclass(frozen=True, slots=True)
class ToolTarget:
    """The tool types and functions that a run could call or did call."""

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        """Return the condition on the configuration and the steps."""
        return combine_or(
            scope.match_configurations(match_array("tool_types", operator) | match_array("function_names", operator))
            | has_step(match_array("tool_types", operator) | match_array("tool_names", operator))
            for operator in operators
        )


@dataclass(frozen=True, slots=True)
class CalledFunctionTarget:
    """The functions that the steps of a run called."""

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        """Return the condition that a step has a matching call."""
        return combine_or(self._match(operator, scope) for operator in operators)

    def _match(self, operator: Operator, scope: QueryScope) -> Q:
        match operator:
            case Exists():
                return has_step(Q(tool_types__contains=["function"]))
            case Equals(name):
                # the index finds the name, and few steps with that name call another kind of tool
                is_function = Q(lookups.CallsFunctionLike(escape_like(name)))
                return has_step(Q(tool_names__contains=[name]) & is_function)
            case Wildcard():
                is_call = Q(lookups.CallsFunctionLike(operator.like_pattern))
                # no index serves a pattern, but a rollup has the names of all called functions
                names = scope.fetch_called_functions(operator)
                if names is None:
                    return has_step(is_call)
                return has_step(Q(tool_names__overlap=names) & is_call) if names else MATCH_NONE
        raise unsupported_operator(operator)


@dataclass(frozen=True, slots=True)
class FailedCallTarget:
    """The tools and functions that were called in a failed step."""

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        """Return the condition that a failed step has a matching call."""
        return combine_or(
            has_step(
                Q(status="failed")
                & (HAS_TOOL_CALLS if isinstance(operator, Exists) else match_array("tool_names", operator))
            )
            for operator in operators
        )


@dataclass(frozen=True, slots=True)
class InvalidCallTarget:
    """The functions with a call that does not match the run's tool schemas, among the validated calls."""

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        """Return the condition that a step has an invalid call; the first part is the predicate of the index."""
        return combine_or(
            has_step(
                ~Q(invalid_calls=[])
                & (
                    Q(invalid_calls__isnull=False)
                    if isinstance(operator, Exists)
                    else match_array("invalid_calls", operator)
                )
            )
            for operator in operators
        )


@dataclass(frozen=True, slots=True)
class ContentTarget:
    """A text, or the ids of calls, in the messages and tool calls of a run.

    `kind` is the kind of messages that are searched; all by default.
    """

    column: str
    kind: SearchText.Kind | None = None

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:  # noqa: ARG002
        """Return the condition on the searched texts."""
        conditions = [scope.match_content(match) for match in self.list_matches(operators)]
        return combine_or([condition for condition in conditions if condition != MATCH_NONE] or [MATCH_NONE])

    def list_matches(self, operators: Iterable[Operator]) -> list[ContentMatch]:
        """Return what is searched for, one for each operator."""
        return [ContentMatch((self.column,), operator, self.kind) for operator in operators]


@dataclass(frozen=True, slots=True)
class StepIdTarget:
    """The ids of the steps of a run."""

    def build_condition(self, operators: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:
        """Return the condition that the run has a step with a matching id."""
        condition = ColumnTarget("external_id").build_condition(operators, key, scope)
        return has_step(condition if scope.project is None else condition & Q(project=scope.project))


def match_free_text(text: str, scope: QueryScope) -> Q:
    """Return the condition for a term without a field. Each part has an index, so that Postgres can combine them."""
    contains = Contains(text)
    in_configuration = Q(instructions__ilike=contains.ilike_pattern) | Q(function_names__contains=[text])
    return (
        Q(external_id__like=f"{escape_like(text)}%")
        | Q(thread_id=text)
        | Q(assistant_id=text)
        | Q(error_message__ilike=contains.ilike_pattern)
        | Q(metadata__has_value=f"$.* == {json.dumps(text)}")
        | scope.match_configurations(in_configuration)
        | scope.match_content(build_free_text_match(text))
    )


def build_free_text_match(text: str) -> ContentMatch:
    """Return what a term without a field searches for in messages and tool calls: the text, or an id."""
    return ContentMatch(TEXT_COLUMNS, Contains(text), record_id=text)


def has_step(condition: Q) -> Q:
    """Return the condition that the run has a step that meets `condition`."""
    return Q(models.Exists(RunStep.objects.filter(condition, run=OuterRef("pk"))))


def match_array(name: str, operator: Operator) -> Q:
    """Return the condition that an element of the array column `name` matches."""
    match operator:
        case Exists():
            # IS NOT NULL is the predicate of a partial index
            return Q(**{f"{name}__isnull": False}) & Q(**{f"{name}__len__gt": 0})
        case Equals(value):
            return Q(**{f"{name}__contains": [value]})
        case Wildcard():
            return Q(**{f"{name}__any_like": operator.like_pattern})
    raise unsupported_operator(operator)


def combine_or(conditions: Iterable[Q]) -> Q:
    """Join conditions with OR. There must be at least one."""
    return reduce(or_, conditions)


def unsupported_operator(operator: Operator) -> TypeError:
    """Return the error for an operator that a value type produces and the field's target does not support."""
    return TypeError(f"no condition for {operator!r}")


def _compare_elapsed(moment: F | Case, lookup: str, milliseconds: int | datetime) -> Q:
    """Return the comparison of the time from the creation of the run to `moment`."""
    assert isinstance(milliseconds, int)  # noqa: S101 - the value of a duration
    return Q(_COMPARISONS[lookup](moment - F("created_at"), timedelta(milliseconds=milliseconds)))


def _match_id_prefix(operator: Operator) -> Q:
    if not isinstance(operator, Equals):
        raise unsupported_operator(operator)
    low, high = (uuid.UUID(operator.value.ljust(32, digit)) for digit in "0f")
    return Q(pk__range=(low, high))
