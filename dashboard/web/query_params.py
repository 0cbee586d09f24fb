"""Declare the query parameters of a page as the fields of a dataclass.

    @dataclass(frozen=True, slots=True)
    class ToolListParams(QueryParams):
        sort: ToolSort = query_param(parse_choice(ToolSort), default=ToolSort.CALLS)
        rows: int = query_param(parse_integer(1, 1_000), default=50)

    params = ToolListParams.parse(request.GET)   # raises InvalidFilter, which names every problem
    params.query_string(rows=100)                # "?rows=100"; parameters with their default value are left out

The name of a parameter is the name of its field, unless `name` is given. Its values have at most `max_length`
characters, `MAX_PARAM_LENGTH` by default, and only those that Postgres can store. Unknown parameters are rejected, and
so is a parameter that is given more than once, unless it is declared by `query_param_list`. A page that also takes the
filters of the run list declares them with `run_filters`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from django.http import QueryDict

from runs.errors import InvalidFilter, Problem
from runs.query import RunFilters
from runs.query.did_you_mean import find_closest_match
from runs.query.text_limits import find_text_problem

T = TypeVar("T")
Default = TypeVar("Default")
Choice = TypeVar("Choice", bound=StrEnum)

MAX_PARAM_LENGTH = 512
_PARAM = "query_param"
_RUN_FILTERS = "run_filters"


@dataclass(frozen=True, slots=True)
class _Param:
    """The declaration of one parameter."""

    name: str
    parse: Callable[[str], Any]
    to_text: Callable[[Any], str]
    max_length: int = MAX_PARAM_LENGTH
    is_list: bool = False

    def parse_texts(self, texts: Sequence[str]) -> tuple[Any, ...]:
        """Return the values. Raises ValueError or InvalidFilter."""
        for text in texts:
            if problem := find_text_problem(text, self.max_length):
                raise ValueError(problem)
        return tuple(map(self.parse, texts))


def query_param(
    parse: Callable[[str], T],
    *,
    default: Default,
    name: str = "",
    to_text: Callable[[T], str] = str,
    max_length: int = MAX_PARAM_LENGTH,
) -> T | Default:
    """Declare a parameter that may be given once.

    Args:
        parse: returns the value of a text, or raises ValueError with a message that says what is expected.
        default: the value if the parameter is absent.
        name: the name of the parameter, if it differs from that of the field.
        to_text: the inverse of `parse`.
        max_length: the number of characters that the text may have.
    """
    param = _Param(name, parse, to_text, max_length)
    declared: Any = field(default=default, metadata={_PARAM: param})
    return declared  # type: ignore[no-any-return]


def query_param_list(parse: Callable[[str], T], *, name: str = "", to_text: Callable[[T], str] = str) -> tuple[T, ...]:
    """Declare a parameter that may be repeated; its default is the empty tuple. See `query_param`."""
    param = _Param(name, parse, to_text, is_list=True)
    declared: Any = field(default=(), metadata={_PARAM: param})
    return declared  # type: ignore[no-any-return]


def run_filters() -> RunFilters:
    """Declare the field that takes the parameters of `RunFilters`. A class has at most one."""
    declared: Any = field(default_factory=RunFilters, metadata={_RUN_FILTERS: True})
    return declared  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class QueryParams:
    """Base of the parameters of a page."""

    @classmethod
    def param_names(cls) -> list[str]:
        """Return the names of the parameters that are accepted."""
        params, filters_field = _declared_params(cls)
        filter_names = RunFilters.PARAM_NAMES if filters_field else ()
        return [*filter_names, *(param.name for param in params.values())]

    @classmethod
    def parse(cls, query: QueryDict) -> Self:
        """Return the parameters of a query string (`request.GET`).

        Raises InvalidFilter with one problem for each parameter that is unknown, repeated or has a wrong value.
        """
        texts_by_name: dict[str, Sequence[str]] = dict(query.lists())
        params, filters_field = _declared_params(cls)
        values: dict[str, Any] = {}
        problems: list[Problem] = []

        # 1. The filters of the run list, which also reject unknown parameters.
        own_names = [param.name for param in params.values()]
        if filters_field:
            try:
                values[filters_field] = RunFilters.parse_params(texts_by_name, extra_params=own_names)
            except InvalidFilter as error:
                problems += error.problems
        else:
            problems += [
                Problem(name, _unknown_parameter(name, own_names)) for name in texts_by_name if name not in own_names
            ]

        # 2. The parameters of this page.
        for field_name, param in params.items():
            if param.name not in texts_by_name:
                continue
            texts = texts_by_name[param.name]
            if len(texts) > 1 and not param.is_list:
                problems.append(Problem(param.name, "given more than once"))
                continue
            try:
                parsed = param.parse_texts(texts)
            except InvalidFilter as error:
                problems += error.problems
            except ValueError as error:
                problems.append(Problem(param.name, str(error)))
            else:
                values[field_name] = parsed if param.is_list else parsed[0]

        # 3. Rules that involve more than one parameter.
        if not problems:
            parsed_params = cls(**values)
            problems += parsed_params.find_problems()
        if problems:
            raise build_params_error(*problems)
        return parsed_params

    def find_problems(self) -> Iterable[Problem]:
        """Return what is wrong with parameters that are valid by themselves. Override it if parameters are related."""
        return ()

    def query_pairs(self) -> list[tuple[str, str]]:
        """Return the (name, value) pairs of these parameters, without those that have their default value."""
        params, filters_field = _declared_params(type(self))
        pairs: list[tuple[str, str]] = []
        if filters_field:
            filters: RunFilters = getattr(self, filters_field)
            pairs += filters.to_params()
        defaults = {declared.name: declared.default for declared in fields(self)}
        for field_name, param in params.items():
            value = getattr(self, field_name)
            if value != defaults[field_name]:
                pairs += [(param.name, param.to_text(item)) for item in (value if param.is_list else (value,))]
        return pairs

    def query_string(self, **changes: Any) -> str:
        """Return the query string of these parameters with some fields changed: "?…", or "" if all are defaults."""
        pairs = replace(self, **changes).query_pairs()
        return f"?{urlencode(pairs)}" if pairs else ""


# Parsers. Each raises ValueError with a message that completes "sort: …".


def parse_text(text: str) -> str:
    """Return `text` without surrounding white space."""
    return text.strip()


def parse_choice(choices: type[Choice]) -> Callable[[str], Choice]:
    """Return a parser of the members of an enumeration."""

    def parse(text: str) -> Choice:
        if text in list(choices):
            return choices(text)
        close = find_closest_match(text, list(choices))
        hint = f"did you mean '{close}'?" if close else f"expected {_join_alternatives(list(choices))}"
        raise ValueError(f"unknown value '{text}'; {hint}")

    return parse


def parse_integer(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from `minimum` to `maximum`, both included."""

    def parse(text: str) -> int:
        if re.fullmatch("[0-9]{1,18}", text) and minimum <= (number := int(text)) <= maximum:
            return number
        raise ValueError(f"expected a number from {minimum:,} to {maximum:,}, got '{text}'")

    return parse


def build_params_error(*problems: Problem) -> InvalidFilter:
    """Return the error for a request with these problems."""
    return InvalidFilter("; ".join(f"{problem.path}: {problem.message}" for problem in problems), problems)


def _declared_params(cls: type[QueryParams]) -> tuple[Mapping[str, _Param], str]:
    """Return the parameters by the names of their fields, and the name of the field of the run filters, if any."""
    params: dict[str, _Param] = {}
    filters_field = ""
    for declared in fields(cls):
        if _PARAM in declared.metadata:
            param: _Param = declared.metadata[_PARAM]
            params[declared.name] = replace(param, name=param.name or declared.name)
        elif _RUN_FILTERS in declared.metadata:
            filters_field = declared.name
    return params, filters_field


def _unknown_parameter(name: str, known: Sequence[str]) -> str:
    if not known:
        return "unknown parameter; this page takes none"
    close = find_closest_match(name, known)
    hint = f"did you mean '{close}'?" if close else f"expected {_join_alternatives(known)}"
    return f"unknown parameter; {hint}"


def _join_alternatives(values: Sequence[str]) -> str:
    return ", ".join(values[:-1]) + f" or {values[-1]}" if len(values) > 1 else values[0]
