"""The filters of the run list: one immutable value for every page, endpoint and command."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode

from django.db.models import Q
from django.utils import timezone

from runs.errors import InvalidFilter, Problem
from runs.models import Project
from runs.models.run import RunQuerySet
from runs.query.ast import And, QueryNode, Term, join_and
from runs.query.conditions import build_condition
from runs.query.did_you_mean import find_closest_match
from runs.query.fields import CHOICE_PARAMS
from runs.query.grammar import MAX_QUERY_VALUES, QUERY_PARAM, Query, find_size_problem
from runs.query.operators import Comparison, Equals, TimeQuantity
from runs.query.planner import QueryPlan
from runs.query.relative_times import TimeExpression, describe_time_range
from runs.query.scope import MATCH_ALL, MATCH_NONE, QueryScope

_QUERY_STRING = re.compile(r"\?|[a-z]+=")
_TIME_PARAMS = {"from": "since", "to": "until"}
# The parameter that means the same as a field of the query language.
_PARAM_OF_FIELD = {param.name: param.name for param in CHOICE_PARAMS} | {"error_code": "error"}


@dataclass(frozen=True, slots=True)
class RunFilters:
    """The filters of a list of runs.

    A run matches if it has one of the values of each choice (`status`, `model`, `assistant`, `error`, `thread`),
    was created at or after `since` and before `until`, and matches the query `q`. Empty filters match every run.
    """

    PARAM_NAMES: ClassVar = (*(param.name for param in CHOICE_PARAMS), *_TIME_PARAMS, QUERY_PARAM)

    status: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    assistant: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    thread: tuple[str, ...] = ()
    since: TimeExpression | None = None
    until: TimeExpression | None = None
    q: Query | None = None

    @classmethod
    def parse_params(
        cls, query: Mapping[str, Sequence[str]], *, extra_params: Sequence[str] = (), keep_times: bool = False
    ) -> RunFilters:
        """Parse the parameters of a query string, as `dict(request.GET.lists())` has them.

        Terms of `q` that have a parameter of their own are moved to it, so that typed and selected filters are the
        same.

        Args:
            query: The values of each parameter.
            extra_params: Parameters that the caller parses itself.
            keep_times: The caller limits the time by parameters of its own; terms on times stay in `q`.

        Raises:
            InvalidFilter: A parameter is unknown or a value is invalid. There is one problem for each; its path is
                the parameter.
        """
        problems = [
            Problem(name, _describe_unknown_param(name, extra_params))
            for name in query
            if name not in cls.PARAM_NAMES and name not in extra_params
        ]
        parsed: dict[str, Any] = {}
        for param in CHOICE_PARAMS:
            values = tuple(dict.fromkeys(query.get(param.name, ())))
            problems += [Problem(param.name, message) for value in values if (message := param.find_problem(value))]
            parsed[param.name] = values
        for param_name, name in _TIME_PARAMS.items():
            parsed[name] = _parse_time(param_name, query.get(param_name, ()), problems)
        typed = _parse_q(query.get(QUERY_PARAM, ()), problems)
        if problems:
            raise InvalidFilter("; ".join(f"{problem.path}: {problem.message}" for problem in problems), problems)
        kept_names = _TIME_PARAMS.values() if keep_times else ()
        parsed[QUERY_PARAM] = _move_terms_to_params(typed.tree, parsed, kept_names) if typed else None
        filters = cls(**parsed)
        filters._check_size()
        return filters

    @classmethod
    def parse_argument(cls, text: str) -> RunFilters:
        """Parse a command-line argument: a query, or the query string of a list's URL.

        Raises:
            InvalidFilter: The argument is invalid.
        """
        if _QUERY_STRING.match(text):
            return cls.parse_params(parse_qs(text.removeprefix("?"), keep_blank_values=True))
        return cls.parse_params({QUERY_PARAM: [text]})

    @classmethod
    def parse_query_text(cls, text: str) -> RunFilters:
        """Parse a query in the query language; the inverse of `to_query_text`.

        Raises:
            InvalidFilter: The query is invalid.
        """
        if not text.strip():
            return cls()
        return cls.parse_params({QUERY_PARAM: [text]})

    def to_query_string(self, **changes: Any) -> str:
        """Return the canonical query string, after `changes`: `filters.to_query_string(status=())`."""
        changed = replace(self, **changes)
        return urlencode([pair for pair in changed.to_params() if pair[1]], doseq=True)

    def to_params(self) -> list[tuple[str, str]]:
        """Return the active parameters and their values in a fixed order."""
        choices = [(param.name, value) for param in CHOICE_PARAMS for value in getattr(self, param.name)]
        times = [(param_name, getattr(self, name)) for param_name, name in _TIME_PARAMS.items()]
        others = [*times, (QUERY_PARAM, self.q)]
        return choices + [(name, str(value)) for name, value in others if value]

    def apply(self, runs: RunQuerySet, now: datetime | None = None) -> RunQuerySet:
        """Return the runs of a queryset that match, planned for a page of the newest.

        Args:
            runs: The runs, restricted by `in_project`.
            now: The time that relative times refer to; the current time by default.
        """
        return runs.filter(self.plan(runs.project, now).build_page_condition())

    def plan(self, project: Project | None, now: datetime | None = None) -> QueryPlan:
        """Return the plan for lists of the matching runs of `project`, or of all projects if it is None.

        May query the database for ids, such as those of configurations.
        """
        scope = QueryScope(project, now or timezone.now())
        return QueryPlan(self._build_condition(scope), self.tree, scope)

    def build_condition(self, project: Project | None, now: datetime | None = None) -> Q:
        """Return the condition on runs without a plan, for reading all matches."""
        return self.plan(project, now).condition

    @property
    def tree(self) -> QueryNode | None:
        """The filters as the syntax tree of one query, None without filters."""
        nodes: list[QueryNode] = [
            _build_choice_term(param.name, values) for param in CHOICE_PARAMS if (values := getattr(self, param.name))
        ]
        if self.since:
            nodes.append(Term("created", (Comparison(">=", TimeQuantity(self.since.text)),)))
        if self.until:
            nodes.append(Term("created", (Comparison("<", TimeQuantity(self.until.text)),)))
        if self.q:
            nodes.append(self.q.tree)
        return join_and(nodes) if nodes else None

    def to_query_text(self) -> str:
        """Return the filters as one query, "" without filters. Saved views and files store this form."""
        return "" if self.tree is None else str(self.tree)

    def describe(self) -> str:
        """Return the filters in words: `runs with status failed or expired on gpt-4o since 24 hours ago`."""
        choices = ((param.preposition, getattr(self, param.name)) for param in CHOICE_PARAMS)
        words = ["runs", *(f"{preposition} {' or '.join(values)}" for preposition, values in choices if values)]
        if self.since or self.until:
            words.append(describe_time_range(self.since, self.until))
        if self.q:
            words.append(f"where {self.q.describe()}")
        return " ".join(words)

    def without(self, name: str) -> RunFilters:
        """Return the filters without the field `name`."""
        empty: Any = None if name in (*_TIME_PARAMS.values(), QUERY_PARAM) else ()
        return replace(self, **{name: empty})

    def toggle(self, name: str, value: str) -> RunFilters:
        """Return the filters with `value` added to the choice `name`, or removed if it is there."""
        values = getattr(self, name)
        toggled: Any = tuple(other for other in values if other != value) if value in values else (*values, value)
        return replace(self, **{name: toggled})

    def narrow(self, text: str) -> RunFilters:
        """Return the filters that match only runs that the query `text` matches, too.

        Raises:
            InvalidFilter: The query is invalid.
        """
        query = Query.parse(text)
        return replace(self, q=Query(join_and([self.q.tree, query.tree])) if self.q else query)

    @property
    def query_terms(self) -> tuple[QueryNode, ...]:
        """The terms of `q`, all of which a run has to match."""
        if self.q is None:
            return ()
        return self.q.tree.operands if isinstance(self.q.tree, And) else (self.q.tree,)

    def without_term(self, term: QueryNode) -> RunFilters:
        """Return the filters without one of `query_terms`."""
        rest = [other for other in self.query_terms if other != term]
        return replace(self, q=Query(join_and(rest)) if rest else None)

    @property
    def active_names(self) -> list[str]:
        """The names of the fields that are set."""
        return [field.name for field in fields(self) if getattr(self, field.name)]

    def __bool__(self) -> bool:
        return bool(self.active_names)

    def _check_size(self) -> None:
        """Raise InvalidFilter if the filters are too large for one query, as which saved views store them."""
        tree = self.tree
        problem = None if tree is None else find_size_problem(tree)
        if problem:
            message = f"all filters together: {problem}"
            names = dict.fromkeys(name for name, _ in self.to_params())
            raise InvalidFilter(message, [Problem(name, message) for name in names])

    def _build_condition(self, scope: QueryScope) -> Q:
        condition = Q()
        for param in CHOICE_PARAMS:
            if values := getattr(self, param.name):
                condition &= Q(**{f"{param.column}__in": values})
        if self.since:
            condition &= Q(created_at__gte=self.since.resolve(scope.now))
        if self.until:
            condition &= Q(created_at__lt=self.until.resolve(scope.now))
        typed = build_condition(self.q.tree, scope) if self.q else MATCH_ALL
        return MATCH_NONE if typed == MATCH_NONE else condition & typed


def _describe_unknown_param(name: str, extra_params: Sequence[str]) -> str:
    known_names = (*RunFilters.PARAM_NAMES, *extra_params)
    closest = find_closest_match(name, known_names)
    hint = f"did you mean '{closest}'?" if closest else f"expected one of {', '.join(known_names)}"
    return f"unknown parameter; {hint}"


def _parse_time(param_name: str, values: Sequence[str], problems: list[Problem]) -> TimeExpression | None:
    text = _get_single_value(param_name, values, problems)
    if text is None:
        return None
    try:
        return TimeExpression.parse(text)
    except ValueError as error:
        problems.append(Problem(param_name, str(error)))
        return None


def _parse_q(values: Sequence[str], problems: list[Problem]) -> Query | None:
    """Return the query that matches what all of the values match. Forms send each term that was typed before."""
    nodes = []
    texts = list(dict.fromkeys(value for value in values if value.strip()))
    if len(texts) > MAX_QUERY_VALUES:
        problems.append(Problem(QUERY_PARAM, f"expected at most {MAX_QUERY_VALUES} values, found {len(texts)}"))
        return None
    for text in texts:
        try:
            nodes.append(Query.parse(text).tree)
        except InvalidFilter as error:
            problems += error.problems
    return Query(join_and(nodes)) if nodes else None


def _get_single_value(param_name: str, values: Sequence[str], problems: list[Problem]) -> str | None:
    """Return the value of a parameter. Blank values are ignored, because forms send empty inputs."""
    filled = [value for value in values if value.strip()]
    if len(filled) > 1:
        problems.append(Problem(param_name, f"expected one value, found {len(filled)}"))
    return filled[0] if len(filled) == 1 else None


def _build_choice_term(name: str, values: tuple[str, ...]) -> QueryNode:
    """Return the term for a choice. `error` means text if it is quoted, so quoted codes use `error_code`."""
    operators = tuple(map(Equals, values))
    is_quoted = any(str(operator) != operator.value for operator in operators)
    return Term("error_code" if name == "error" and is_quoted else name, operators)


def _move_terms_to_params(tree: QueryNode, parsed: dict[str, Any], kept_names: Collection[str]) -> Query | None:
    """Move the terms of `tree` that a parameter can express into `parsed`, and return the query that is left.

    Args:
        tree: The query.
        parsed: The values of the filters' fields; changed in place.
        kept_names: Fields that are not changed.
    """
    rest: list[QueryNode] = []
    for node in tree.operands if isinstance(tree, And) else (tree,):
        name, value = _find_param(node)
        if name and name not in kept_names and (merged := _merge_values(parsed[name], value)):
            parsed[name] = merged
        else:
            rest.append(node)
    return Query(join_and(rest)) if rest else None


def _merge_values(current: Any, added: Any) -> Any:
    """Return the one value that is equivalent to both, or nothing if there is none, as for a contradiction."""
    if not current or current == added:
        return added
    return tuple(value for value in current if value in added) if isinstance(current, tuple) else None


def _find_param(node: QueryNode) -> tuple[str, Any]:
    """Return the name of the field of `RunFilters` that means the same as `node`, and its value; "" if none does."""
    match node:
        case Term("created", (Comparison(">=", TimeQuantity(text)),)):
            return "since", TimeExpression.parse(text)
        case Term("created", (Comparison("<", TimeQuantity(text)),)):
            return "until", TimeExpression.parse(text)
        case Term(field, operators) if all(isinstance(operator, Equals) for operator in operators):
            values = tuple(operator.value for operator in operators if isinstance(operator, Equals))
            # the parameter takes only ids, the query language names, too
            is_expressible = field != "assistant" or all(value.startswith("asst_") for value in values)
            return _PARAM_OF_FIELD.get(field, "") if is_expressible else "", values
    return "", None
