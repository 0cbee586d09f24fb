"""The query parameters of the list of error groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self, TypeVar

from runs.analytics.error_group_selection import ErrorGroupSort, ErrorGroupTab, add_default_range
from runs.analytics.errors import MAX_ERROR_GROUPS
from runs.errors import InvalidFilter, Problem
from runs.query import RunFilters
from runs.query.did_you_mean import find_closest_match
from runs.query.text_limits import find_text_problem

DEFAULT_GROUP_LIMIT = 100
MAX_ASSIGNEE_LENGTH = 150
ERROR_GROUP_PARAMETERS = ("state", "assignee", "sort", "limit")

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class ErrorGroupQuery:
    """What a client asks for. `filters` have a time range; `assignee` is "" for all, and `UNASSIGNED` for nobody."""

    filters: RunFilters
    state: ErrorGroupTab = ErrorGroupTab.ALL
    assignee: str = ""
    sort: ErrorGroupSort = ErrorGroupSort.RUNS
    limit: int = DEFAULT_GROUP_LIMIT

    @classmethod
    def parse_params(cls, params: Mapping[str, Sequence[str]]) -> Self:
        """Parse query parameters: those of the run list and `ERROR_GROUP_PARAMETERS`.

        Raises InvalidFilter, with one problem for each unknown parameter and each invalid value.
        """
        problems: list[Problem] = []
        values = {name: params[name] for name in ERROR_GROUP_PARAMETERS if name in params}
        problems += [Problem(name, "given more than once") for name, texts in values.items() if len(texts) > 1]
        texts = {name: given[0] for name, given in values.items()}
        try:
            filters = RunFilters.parse_params(params, extra_params=ERROR_GROUP_PARAMETERS)
        except InvalidFilter as error:
            problems += error.problems
            filters = RunFilters()
        state = _parse_choice("state", texts, ErrorGroupTab.ALL, problems)
        sort = _parse_choice("sort", texts, ErrorGroupSort.RUNS, problems)
        limit = _parse_limit(texts.get("limit", str(DEFAULT_GROUP_LIMIT)), problems)
        assignee = texts.get("assignee", "")
        if problem := find_text_problem(assignee, MAX_ASSIGNEE_LENGTH):
            problems.append(Problem("assignee", problem))
        if problems:
            raise InvalidFilter("; ".join(f"{problem.path}: {problem.message}" for problem in problems), problems)
        return cls(add_default_range(filters), state, assignee, sort, limit)


def _parse_choice(name: str, texts: Mapping[str, str], default: Choice, problems: list[Problem]) -> Choice:
    choices, text = list(type(default)), texts.get(name, default.value)
    if text in choices:
        return type(default)(text)
    closest = find_closest_match(text, choices)
    hint = f"did you mean '{closest}'?" if closest else f"expected one of {', '.join(choices)}"
    problems.append(Problem(name, f"unknown value '{text}'; {hint}"))
    return default


def _parse_limit(text: str, problems: list[Problem]) -> int:
    if text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MAX_ERROR_GROUPS:
        return int(text[:9])
    problems.append(Problem("limit", f"expected a number from 1 to {MAX_ERROR_GROUPS:,}, found '{text}'"))
    return DEFAULT_GROUP_LIMIT
