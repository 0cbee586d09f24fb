"""What the address of a run's page asks for, beside the run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from django.http import HttpRequest

from dashboard.pages.run.list_navigation import RunListContext
from dashboard.pages.run.raw import MAX_SEARCH_LENGTH
from dashboard.web import query_params
from runs.errors import Problem

# What can be shown without a cut; a line of the timeline goes by its place in it.
EXPANDABLE_SECTIONS = ("timeline", "tools", "usage", "change", "raw")
_PARAMETERS = ("full", "from", "to", "seen", "list", "find")
_LINE = re.compile(r"row-\d{1,9}(-\d{1,9})?")


@dataclass(frozen=True, slots=True)
class RunPageParams:
    """`full` names what to show without a cut, `compared` are two versions, `seen` is the one that a poll knows.

    `listed` is the list that the run was opened from, `find` what is sought in the posted object.
    """

    full: frozenset[str] = frozenset()
    compared: tuple[int, int] | None = None
    seen: int | None = None
    listed: RunListContext | None = None
    find: str = ""

    @property
    def kept(self) -> str:
        """The beginning of the query string of every link on the page to itself."""
        return urlencode({"list": self.listed.query}) + "&" if self.listed else ""

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Raises InvalidFilter, one problem for each parameter that can't be meant."""
        given = query_params.read_query_params(request, *_PARAMETERS, repeated=("full",))
        sections = request.GET.getlist("full")
        problems = [Problem("full", _unknown(name)) for name in sections if not _is_section(name)]
        numbers = {name: _version(given[name]) for name in ("from", "to", "seen") if name in given}
        problems += [Problem(name, "expected a number") for name, number in numbers.items() if number is None]
        if ("from" in given) != ("to" in given):
            problems.append(Problem("from", "comes together with to"))
        if len(find := given.get("find", "").strip()) > MAX_SEARCH_LENGTH:
            problems.append(Problem("find", f"longer than {MAX_SEARCH_LENGTH} characters"))
        if problems:
            raise query_params.build_params_error(*problems)
        left, right = numbers.get("from"), numbers.get("to")
        return cls(
            frozenset(sections),
            None if left is None or right is None else (left, right),
            numbers.get("seen"),
            RunListContext.parse(given["list"]) if "list" in given else None,
            find,
        )


def _is_section(name: str) -> bool:
    return name in EXPANDABLE_SECTIONS or _LINE.fullmatch(name) is not None


def _unknown(name: str) -> str:
    return f"'{name}' can't be shown; known are {', '.join(EXPANDABLE_SECTIONS)}"


def _version(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None
