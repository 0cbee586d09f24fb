"""The query parameters of the comparison of two runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from dashboard.web.query_params import QueryParams, parse_choice, query_param
from runs.errors import Problem


class CandidateKind(StrEnum):
    """The runs that can be found for a comparison with a given run."""

    PREVIOUS = "previous"
    LAST_SUCCESSFUL = "last-successful"

    @property
    def label(self) -> str:
        """The description of the run."""
        if self is CandidateKind.PREVIOUS:
            return "Previous run in the thread"
        return "Last successful run of the assistant"


def _parse_show(text: str) -> bool:
    if text != "all":
        raise ValueError(f"expected all, got '{text}'")
    return True


@dataclass(frozen=True, slots=True)
class CompareParams(QueryParams):
    """The ids of the runs A (`left`) and B (`right`), "" if one is missing.

    `show_all` shows equal fields too. `find_left` is the kind of run to find for A.
    """

    left: str = query_param(str, default="")
    right: str = query_param(str, default="")
    show_all: bool = query_param(_parse_show, default=False, name="show", to_text=lambda _: "all")
    find_left: CandidateKind | None = query_param(parse_choice(CandidateKind), default=None, name="with")

    def find_problems(self) -> Iterable[Problem]:
        """Allow `with` together with `right` only."""
        if self.find_left is not None and (self.left or not self.right):
            yield Problem("with", "requires 'right', and excludes 'left'")

    @property
    def swapped_query(self) -> str:
        """The query string with A and B swapped."""
        return self.query_string(left=self.right, right=self.left)

    @property
    def differing_query(self) -> str:
        """The query string that shows the differing fields."""
        return self.query_string(show_all=False)

    @property
    def all_query(self) -> str:
        """The query string that shows all fields."""
        return self.query_string(show_all=True)
