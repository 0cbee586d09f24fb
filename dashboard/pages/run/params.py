"""The query parameters of the run page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from dashboard.pages.run.list_navigation import RunListContext
from dashboard.pages.run.timeline_params import TimelineView, TimelineZoom
from dashboard.ui.run_rows import encode_list_param
from dashboard.web.query_params import (
    QueryParams,
    parse_choice,
    parse_integer,
    parse_text,
    query_param,
    query_param_list,
)
from runs.errors import Problem

# The sections that can be shown in full, in addition to single rows of the timeline.
EXPANDABLE_SECTIONS = ("timeline", "tools", "errors", "usage", "change", "raw", "model-calls")
MAX_FIND_LENGTH = 200
MAX_STATE_LENGTH = 100
MAX_ANCHOR_LENGTH = 220  # of the element of a call: the id of its step and its number
MAX_LIST_QUERY_LENGTH = 60_000  # up to 4,000 characters of filters, each with up to 12 in a query string
_TIMELINE_POSITION = r"\d{1,9}(-\d{1,9})?|[0-9a-f]{16}"
_TIMELINE_ROW = re.compile(f"row-({_TIMELINE_POSITION})")


def _parse_section(text: str) -> str:
    if text in EXPANDABLE_SECTIONS or _TIMELINE_ROW.fullmatch(text):
        return text
    raise ValueError(f"unknown section '{text}'; expected one of {', '.join(EXPANDABLE_SECTIONS)}")


def _parse_find(text: str) -> str:
    if len(text.strip()) > MAX_FIND_LENGTH:
        raise ValueError(f"longer than {MAX_FIND_LENGTH} characters")
    return text.strip()


def _parse_position(text: str) -> str:
    if not text or re.fullmatch(_TIMELINE_POSITION, text):
        return text
    raise ValueError(f"expected the position of a row of the timeline, such as 7 or 7-2, got '{text[:80]}'")


def _parse_failed(text: str) -> bool:
    if text not in ("", "1"):
        raise ValueError(f"expected 1, got '{text[:80]}'")
    return text == "1"


_parse_version = parse_integer(0, 999_999_999)


@dataclass(frozen=True, slots=True)
class RunPageParams(QueryParams):
    """The parameters of the run page.

    `full` names the sections and timeline rows to show in full. `from_version` and `to_version` are the versions to
    compare, of the step with the id `step_id` if there is one. `seen_state` is the state that an open page shows.
    `run_list` is the list that the run was opened from. `find` is the text to find in the raw JSON.

    The timeline shows `timeline_view`, the rows that `row_name`, `row_kind` and `is_failed_only` choose, and the part
    `zoom` of the time. The rows `unfold` show what is below them. `branch` and `after` name rows to fetch.
    `anchor` is the id of the element of a row to show open. `drawn` is the number of outermost rows of an open page.
    """

    full: tuple[str, ...] = query_param_list(_parse_section)
    from_version: int | None = query_param(_parse_version, default=None, name="from")
    to_version: int | None = query_param(_parse_version, default=None, name="to")
    seen_state: str = query_param(parse_text, default="", name="seen", max_length=MAX_STATE_LENGTH)
    step_id: str = query_param(parse_text, default="", name="step")
    run_list: RunListContext | None = query_param(
        RunListContext.parse,
        default=None,
        name="list",
        to_text=lambda run_list: run_list.query,
        max_length=MAX_LIST_QUERY_LENGTH,
    )
    find: str = query_param(_parse_find, default="")
    timeline_view: TimelineView | None = query_param(parse_choice(TimelineView), default=None, name="timeline")
    row_name: str = query_param(_parse_find, default="", name="name")
    row_kind: str = query_param(parse_text, default="", name="kind")
    is_failed_only: bool = query_param(_parse_failed, default=False, name="failed")
    zoom: TimelineZoom | None = query_param(TimelineZoom.parse, default=None)
    unfold: tuple[str, ...] = query_param_list(_parse_position)
    branch: str | None = query_param(_parse_position, default=None)
    after: int = query_param(parse_integer(0, 999_999_999), default=0)
    anchor: str = query_param(parse_text, default="", max_length=MAX_ANCHOR_LENGTH)
    drawn: int = query_param(parse_integer(0, 999_999_999), default=0)

    def find_problems(self) -> Iterable[Problem]:
        """Require both versions of a comparison."""
        if (self.from_version is None) != (self.to_version is None):
            yield Problem("from", "expected together with 'to'")

    @property
    def link_prefix(self) -> str:
        """The beginning of the query string of every link from the page to itself. It keeps the list."""
        return urlencode({"list": self.run_list.query}) + "&" if self.run_list else ""

    @property
    def list_query(self) -> str:
        """The query string that keeps the list in the URL of a run, or ""."""
        return encode_list_param(self.run_list.query) if self.run_list else ""

    @property
    def needs_all_steps(self) -> bool:
        """Return whether a section is shown in full that reads the contents of all steps."""
        return "tools" in self.full or "errors" in self.full

    @property
    def open_row(self) -> str:
        """The position of the timeline row to show open, such as "7-2", or ""."""
        return next((name.removeprefix("row-") for name in self.full if name.startswith("row-")), "")

    @property
    def open_step_number(self) -> int:
        """The number of the step of the open row, or 0."""
        return parse_step_number(self.open_row)


def parse_step_number(position: str) -> int:
    """Return the number of the step of a timeline row, such as 7 for "7-2", or 0 for an invalid position."""
    number, _, _ = position.partition("-")
    return int(number) if number.isdecimal() and len(number) < 10 else 0
