"""Tests of the declarative base of query parameters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import pytest
from django.http import QueryDict

from dashboard.web.query_params import (
    QueryParams,
    parse_choice,
    parse_integer,
    parse_text,
    query_param,
    query_param_list,
    run_filters,
)
from runs.errors import InvalidFilter, Problem
from runs.query import RunFilters


class Sort(StrEnum):
    NAME = "name"
    CALLS = "calls"


@dataclass(frozen=True, slots=True)
class Params(QueryParams):
    sort: Sort = query_param(parse_choice(Sort), default=Sort.CALLS)
    rows: int = query_param(parse_integer(1, 1000), default=50)
    text: str = query_param(parse_text, default="", name="with")
    sections: tuple[str, ...] = query_param_list(parse_text, name="full")

    def find_problems(self) -> Iterable[Problem]:
        if self.text and self.sections:
            yield Problem("with", "not allowed together with full")


@dataclass(frozen=True, slots=True)
class FilteredParams(QueryParams):
    filters: RunFilters = run_filters()
    page: int | None = query_param(parse_integer(1, 99), default=None)


@dataclass(frozen=True, slots=True)
class NoParams(QueryParams):
    pass


def list_problems(params: type[QueryParams], query: str) -> list[tuple[str, str]]:
    with pytest.raises(InvalidFilter) as caught:
        params.parse(QueryDict(query))
    return [(problem.path, problem.message) for problem in caught.value.problems]


def test_absent_parameters_have_defaults() -> None:
    assert Params.parse(QueryDict("")) == Params(Sort.CALLS, 50, "", ())


def test_values_are_parsed() -> None:
    params = Params.parse(QueryDict("sort=name&rows=7&full=a&full=b"))
    assert params == Params(Sort.NAME, 7, "", ("a", "b"))
    assert Params.parse(QueryDict("with=+x+")).text == "x"


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("sort=nam", ("sort", "unknown value 'nam'; did you mean 'name'?")),
        ("sort=zzz", ("sort", "unknown value 'zzz'; expected name or calls")),
        ("rows=0", ("rows", "expected a number from 1 to 1,000, got '0'")),
        ("rows=%C2%B2", ("rows", "expected a number from 1 to 1,000, got '²'")),
        ("rows=1&rows=2", ("rows", "given more than once")),
        ("rowz=1", ("rowz", "unknown parameter; did you mean 'rows'?")),
        ("xyz=1", ("xyz", "unknown parameter; expected sort, rows, with or full")),
        ("text=1", ("text", "unknown parameter; expected sort, rows, with or full")),
        ("with=a&full=b", ("with", "not allowed together with full")),
    ],
)
def test_wrong_parameter_is_named(query: str, problem: tuple[str, str]) -> None:
    assert list_problems(Params, query) == [problem]


def test_every_problem_is_reported() -> None:
    assert [path for path, _ in list_problems(Params, "a=1&sort=x&rows=y")] == ["a", "sort", "rows"]
    assert [path for path, _ in list_problems(FilteredParams, "a=1&from=x&page=0")] == ["a", "from", "page"]


def test_class_without_fields_takes_none() -> None:
    assert NoParams.parse(QueryDict("")) == NoParams()
    assert list_problems(NoParams, "a=1") == [("a", "unknown parameter; this page takes none")]


def test_run_filters_share_the_query_string() -> None:
    params = FilteredParams.parse(QueryDict("status=failed&page=2"))
    assert (params.filters.status, params.page) == (("failed",), 2)
    assert params.query_string() == "?status=failed&page=2"


def test_query_string_leaves_out_defaults() -> None:
    assert Params().query_string() == ""
    assert Params().query_string(sort=Sort.NAME, sections=("a", "b")) == "?sort=name&full=a&full=b"
    assert Params(Sort.NAME).query_string(sort=Sort.CALLS, text="ä") == "?with=%C3%A4"
