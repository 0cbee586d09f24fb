"""The filter state of the run list."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

from django.db.models import Q
from django.utils import timezone

from runs.errors import InvalidFilter, Problem
from runs.models import Project
from runs.query.ast import And, QueryNode, Term, join_and
from runs.query.conditions import MATCH_ALL, build_condition
from runs.query.did_you_mean import find_closest_match
from runs.query.fields import CHOICE_PARAMS
from runs.query.grammar import QUERY_PARAM
from runs.query.operators import Comparison, Equals, TimeQuantity
from runs.query.planner import QueryPlan
from runs.query.query_text import Query
from runs.query.relative_times import TimeExpression
from runs.query.sql_targets import MATCH_NONE, QueryScope


@dataclass(frozen=True, slots=True)
class RunFilters:
    """Which runs are asked for. Values of one field are alternatives; different fields must all hold."""

    status: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    assistant: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    thread: tuple[str, ...] = ()
    since: TimeExpression | None = None
    until: TimeExpression | None = None
    q: Query | None = None

    @classmethod
    def from_query(
        cls, query: Mapping[str, Sequence[str]], *, also: Sequence[str] = (), is_timed: bool = False
    ) -> RunFilters:
        """Read a query string that was taken apart into lists of values (`dict(request.GET.lists())`).

        What `q` asks and a parameter could, that parameter asks, so that what is typed and what is ticked is one
        state; times it keeps where the request `is_timed` by other means. `also`: parameters that mean something
        else to the caller. Every other unknown parameter and every value that can't be meant is refused: raises
        InvalidFilter, one problem each, `path` the parameter.
        """
        problems = [
            Problem(name, _unknown_parameter(name, also))
            for name in query
            if name not in _PARAMETERS and name not in also
        ]
        found: dict[str, Any] = {}
        for field in CHOICE_PARAMS:
            values = tuple(dict.fromkeys(query.get(field.name, ())))
            problems += [Problem(field.name, reason) for value in values if (reason := field.problem(value))]
            found[field.name] = values
        for parameter, name in _MOMENTS.items():
            found[name] = _moment(parameter, query.get(parameter, ()), problems)
        asked = _query(query.get(QUERY_PARAM, ()), problems)
        if problems:
            raise InvalidFilter("; ".join(f"{each.path}: {each.message}" for each in problems), problems)
        kept = _MOMENTS.values() if is_timed else ()
        found[QUERY_PARAM] = _by_parameters(asked.tree, found, kept) if asked else None
        return cls(**found)

    @classmethod
    def read(cls, text: str) -> RunFilters:
        """Read what a person gave a command: the query language, or a query string, as in an address of the list.

        Raises InvalidFilter.
        """
        if _QUERY_STRING.match(text):
            return cls.from_query(parse_qs(text.removeprefix("?"), keep_blank_values=True))
        return cls.from_query({QUERY_PARAM: [text]})

    @classmethod
    def of_language(cls, text: str) -> RunFilters:
        """Read what `as_language` wrote; whatever parameters can say is asked by these. Raises InvalidFilter."""
        if not text.strip():
            return cls()
        return cls.from_query({QUERY_PARAM: [text]})

    def query(self, **changes: Any) -> str:
        """The canonical query string, with `changes` made to the state first: `f.query(status=())`."""
        state = replace(self, **changes)
        return urlencode([pair for pair in state.pairs() if pair[1]], doseq=True)

    def pairs(self) -> list[tuple[str, str]]:
        """Parameters and values in their fixed order; what is not filtered is left out."""
        chosen = [(field.name, value) for field in CHOICE_PARAMS for value in getattr(self, field.name)]
        times = [(parameter, getattr(self, name)) for parameter, name in _MOMENTS.items()]
        asked = [*times, (QUERY_PARAM, self.q)]
        return chosen + [(parameter, str(value)) for parameter, value in asked if value]

    def search(self, project: Project | None, now: datetime | None = None) -> QueryPlan:
        """The same as a question to the runs of `project`, or of all; relative times are seen from `now`.

        Asks the database for the configurations and names that `q` may mean.
        """
        scope = QueryScope(project, now or timezone.now())
        return QueryPlan(self._condition(scope), self.tree, scope)

    def conditions(self, now: datetime | None = None, *, project: Project | None = None, paged: bool = True) -> Q:
        """What a run must satisfy, in the words that are best for a page of the newest (see `Search`).

        Without `paged` all there are will be read, and nothing is said of how.
        """
        search = self.search(project, now)
        return search.page() if paged else search.condition

    def _condition(self, scope: QueryScope) -> Q:
        condition = Q()
        for field in CHOICE_PARAMS:
            if values := getattr(self, field.name):
                condition &= Q(**{f"{field.column}__in": values})
        if self.since:
            condition &= Q(created_at__gte=self.since.at(scope.now))
        if self.until:
            condition &= Q(created_at__lt=self.until.at(scope.now))
        asked = build_condition(self.q.tree, scope) if self.q else MATCH_ALL
        return MATCH_NONE if asked == MATCH_NONE else condition & asked

    @property
    def tree(self) -> QueryNode | None:
        """All of it as one query of the language; None where nothing is filtered."""
        parts: list[QueryNode] = [
            _term(field.name, values) for field in CHOICE_PARAMS if (values := getattr(self, field.name))
        ]
        if self.since:
            parts.append(Term("created", (Comparison(">=", TimeQuantity(self.since.text)),)))
        if self.until:
            parts.append(Term("created", (Comparison("<", TimeQuantity(self.until.text)),)))
        if self.q:
            parts.append(self.q.tree)
        return join_and(parts) if parts else None

    def as_language(self) -> str:
        """All of it as the language writes it, "" for nothing: for saved views and files."""
        return "" if self.tree is None else str(self.tree)

    def describe(self) -> str:
        """The state as a sentence: `runs with status failed or expired on gpt-4o since 24 hours ago`."""
        chosen = ((field.words, getattr(self, field.name)) for field in CHOICE_PARAMS)
        words = ["runs", *(f"{before} {' or '.join(values)}" for before, values in chosen if values)]
        if self.since:
            words.append(f"since {self.since.describe()}")
        if self.until:
            words.append(f"before {self.until.describe()}")
        if self.q:
            words.append(f"where {self.q.describe()}")
        return " ".join(words)

    def without(self, name: str) -> RunFilters:
        """The state without what is asked of the field `name`."""
        nothing: Any = None if name in (*_MOMENTS.values(), QUERY_PARAM) else ()
        return replace(self, **{name: nothing})

    def toggled(self, name: str, value: str) -> RunFilters:
        """The state with `value` of the choice field `name` added, or taken away where it is there."""
        chosen = getattr(self, name)
        changed: Any = tuple(each for each in chosen if each != value) if value in chosen else (*chosen, value)
        return replace(self, **{name: changed})

    def narrowed(self, text: str) -> RunFilters:
        """The state of which `text` is asked too, in the query language. Raises InvalidFilter."""
        asked = Query.parse(text)
        return replace(self, q=Query(join_and([self.q.tree, asked.tree])) if self.q else asked)

    @property
    def active(self) -> list[str]:
        """The names of the fields that are filtered."""
        return [field.name for field in fields(self) if getattr(self, field.name)]

    def __bool__(self) -> bool:
        return bool(self.active)


_QUERY_STRING = re.compile(r"\?|[a-z]+=")
_MOMENTS = {"from": "since", "to": "until"}
_PARAMETERS = (*(field.name for field in CHOICE_PARAMS), *_MOMENTS, QUERY_PARAM)


def _unknown_parameter(name: str, also: Sequence[str]) -> str:
    known = (*_PARAMETERS, *also)
    near = find_closest_match(name, known)
    return "unknown parameter" + (f"; did you mean '{near}'?" if near else f"; known are {', '.join(known)}")


def _moment(parameter: str, values: Sequence[str], problems: list[Problem]) -> TimeExpression | None:
    text = _only(parameter, values, problems)
    if text is None:
        return None
    try:
        return TimeExpression.parse(text)
    except ValueError as error:
        problems.append(Problem(parameter, str(error)))
        return None


def _query(values: Sequence[str], problems: list[Problem]) -> Query | None:
    text = _only(QUERY_PARAM, values, problems)
    if text is None:
        return None
    try:
        return Query.parse(text)
    except InvalidFilter as error:
        problems += error.problems
        return None


def _only(parameter: str, values: Sequence[str], problems: list[Problem]) -> str | None:
    """The one value of a parameter; an empty field of a form is none."""
    filled = [value for value in values if value.strip()]
    if len(filled) > 1:
        problems.append(Problem(parameter, "given more than once"))
    return filled[0] if len(filled) == 1 else None


def _term(name: str, values: tuple[str, ...]) -> QueryNode:
    """The values of a choice field as a term. Codes that only quotes can write have a field of their own."""
    matches = tuple(map(Equals, values))
    is_quoted = any(str(match) != match.value for match in matches)
    return Term("error_code" if name == "error" and is_quoted else name, matches)


def _by_parameters(tree: QueryNode, found: dict[str, Any], kept: Collection[str]) -> Query | None:
    """Note in `found` what parts of `tree` ask, where a field that is not `kept` as it is can ask the same.

    What is left over.
    """
    rest: list[QueryNode] = []
    for part in tree.parts if isinstance(tree, And) else (tree,):
        name, value = _as_parameter(part)
        if name and name not in kept and (shared := _shared(found[name], value)):
            found[name] = shared
        else:
            rest.append(part)
    return Query(join_and(rest)) if rest else None


def _shared(asked: Any, more: Any) -> Any:
    """The one value that asks what both do; nothing where there is none, as of a contradiction."""
    if not asked or asked == more:
        return more
    return tuple(each for each in asked if each in more) if isinstance(asked, tuple) else None


def _as_parameter(part: QueryNode) -> tuple[str, Any]:
    """The field of the state, and its value there, that asks what `part` asks; "" where there is none."""
    match part:
        case Term("created", (Comparison(">=", TimeQuantity(text)),)):
            return "since", TimeExpression.parse(text)
        case Term("created", (Comparison("<", TimeQuantity(text)),)):
            return "until", TimeExpression.parse(text)
        case Term(field, matches) if all(isinstance(each, Equals) for each in matches):
            values = tuple(each.value for each in matches if isinstance(each, Equals))
            # the language finds assistants by their names too
            is_meant = field != "assistant" or all(value.startswith("asst_") for value in values)
            return _AS_PARAMETER.get(field, "") if is_meant else "", values
    return "", None


_AS_PARAMETER = {field.name: field.name for field in CHOICE_PARAMS} | {"error_code": "error"}
