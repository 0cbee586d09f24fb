"""The comparison of two runs: every field in groups, and the differences of instructions and tools."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from dashboard.pages.compare.step_pairs import StepPair, pair_steps
from dashboard.ui import comparison_rows, text_diff, tool_diff
from dashboard.ui.comparison_rows import (
    ComparisonCell,
    ComparisonRow,
    get_posted_value,
    status_cell,
    text_cell,
    value_cell,
)
from dashboard.ui.posted_object import FieldPresence, PostedObject, as_text
from dashboard.ui.run_clock import RunClock
from dashboard.ui.text_diff import TextDiff
from dashboard.ui.tool_diff import ToolsDiff
from runs.analytics.run_steps import ReadSteps
from runs.analytics.run_turns import fetch_run_turns
from runs.models import Run
from runs.protocol.lossless_json import is_equal_value
from runs.protocol.timestamps import milliseconds_between

_IDENTITY_FIELDS = ("id", "object")  # ids always differ, types never do
_OUTCOME_FIELDS = ("last_error", "incomplete_details", "required_action")
_TIME_FIELDS = ("created_at", "started_at", "expires_at", "cancelled_at", "failed_at", "completed_at")
# Metadata that names a release comes before other keys.
_RELEASE_KEY = re.compile("release|version|commit|revision|build|deploy", re.IGNORECASE)
# These have sections of their own; the table shows their length.
_LONG_FIELDS = ("instructions", "tools")
_SETTING_FIELDS = (
    *("temperature", "top_p", "reasoning_effort", "max_prompt_tokens", "max_completion_tokens"),
    *("truncation_strategy", "tool_choice", "parallel_tool_calls", "response_format"),
    *("tool_resources", "file_ids", "agent_version"),
)
_GROUPED_FIELDS = {
    "assistant_id",
    "status",
    "usage",
    "metadata",
    *_IDENTITY_FIELDS,
    *_OUTCOME_FIELDS,
    *_TIME_FIELDS,
    "thread_id",
    "model",
    *_LONG_FIELDS,
    *_SETTING_FIELDS,
}


@dataclass(frozen=True, slots=True)
class ComparisonGroup:
    """Rows under a heading."""

    title: str
    rows: list[ComparisonRow]


@dataclass
class RunComparison:
    """The comparison of run A (`left`) with run B (`right`).

    The steps are those that a page reads of each. `assistant_names` maps ids to names.
    """

    left: Run
    right: Run
    left_steps: ReadSteps
    right_steps: ReadSteps
    now: datetime
    assistant_names: Mapping[str, str]

    @cached_property
    def groups(self) -> list[ComparisonGroup]:
        """All fields: first the outcome, then what people change, and times, which always differ, last."""
        groups = (
            ComparisonGroup("Outcome", [self._status_row(), *self._field_rows(_OUTCOME_FIELDS)]),
            ComparisonGroup("Metadata", self._metadata_rows()),
            ComparisonGroup(
                "Configuration",
                [
                    self._assistant_row(),
                    *self._field_rows(("model",)),
                    *self._length_rows(),
                    *self._field_rows(_SETTING_FIELDS),
                ],
            ),
            ComparisonGroup("Behaviour", [self._tool_calls_row()]),
            ComparisonGroup(
                "Duration and tokens", [*self._duration_rows(), *self._field_rows(("usage",)), self._cost_row()]
            ),
            ComparisonGroup("Other fields", [*self._field_rows(self._other_fields())]),
            ComparisonGroup("Thread and times", [*self._field_rows(("thread_id",)), *self._time_rows()]),
        )
        return [group for group in groups if group.rows]

    @cached_property
    def step_pairs(self) -> list[StepPair]:
        """The steps of both runs side by side."""
        clocks = RunClock.for_run(self.left, self.now), RunClock.for_run(self.right, self.now)
        return pair_steps(self.left_steps, self.right_steps, *clocks)

    @cached_property
    def differing_groups(self) -> list[ComparisonGroup]:
        """The fields that differ."""
        groups = (ComparisonGroup(group.title, [row for row in group.rows if row.differs]) for group in self.groups)
        return [group for group in groups if group.rows]

    @cached_property
    def equal_fields(self) -> list[str]:
        """The names of the fields that are equal."""
        return [row.name for group in self.groups for row in group.rows if not row.differs]

    @property
    def field_count(self) -> int:
        """The number of fields."""
        return sum(len(group.rows) for group in self.groups)

    @property
    def differing_count(self) -> int:
        """The number of fields that differ."""
        return sum(len(group.rows) for group in self.differing_groups)

    @cached_property
    def instructions(self) -> TextDiff | None:
        """The difference of the instructions, or None if they are equal or missing on one side."""
        left, right = (as_text(posted.value("instructions")) for posted in self._posted)
        return None if left is None or right is None or left == right else text_diff.diff_text(left, right)

    @cached_property
    def tools(self) -> ToolsDiff:
        """The differences of the tools."""
        left, right = self._posted
        return tool_diff.diff_tools(left.list_value("tools"), right.list_value("tools"))

    @cached_property
    def _posted(self) -> tuple[PostedObject, PostedObject]:
        return PostedObject(self.left.members()), PostedObject(self.right.members())

    def _get_values(self, name: str) -> tuple[Any, Any]:
        left, right = self._posted
        return get_posted_value(left, name), get_posted_value(right, name)

    def _field_rows(self, names: Iterable[str]) -> Iterator[ComparisonRow]:
        for name in names:
            yield from comparison_rows.build_field_rows(name, *self._get_values(name))

    def _other_fields(self) -> list[str]:
        """Return the fields that the protocol does not define."""
        names = dict.fromkeys(name for posted in self._posted for name in posted.members)
        return [name for name in names if name not in _GROUPED_FIELDS]

    def _time_rows(self) -> Iterator[ComparisonRow]:
        for name in _TIME_FIELDS:
            left, right = self._get_values(name)
            moments = getattr(self.left, name), getattr(self.right, name)
            cells = comparison_rows.time_cell(left, moments[0]), comparison_rows.time_cell(right, moments[1])
            if any(cell.presence is not FieldPresence.ABSENT for cell in cells):
                difference = comparison_rows.format_time_difference(*moments)
                yield ComparisonRow(name, *cells, not is_equal_value(left, right), difference)

    def _metadata_rows(self) -> list[ComparisonRow]:
        return sorted(self._field_rows(("metadata",)), key=lambda row: not _RELEASE_KEY.search(row.name))

    def _status_row(self) -> ComparisonRow:
        left, right = self.left.status, self.right.status
        return ComparisonRow("status", status_cell(left), status_cell(right), left != right)

    def _duration_rows(self) -> Iterator[ComparisonRow]:
        """Yield the queue time, as far as the first starts are known, and the duration."""
        sides = ((self.left, self.left_steps), (self.right, self.right_steps))
        queue_times = [_queue_milliseconds(run, steps) for run, steps in sides]
        for name, (left, right) in (
            ("queue time", queue_times),
            ("duration", (self.left.duration_ms, self.right.duration_ms)),
        ):
            cells = (
                text_cell(RunClock.for_run(self.left, self.now).format_duration(left)),
                text_cell(RunClock.for_run(self.right, self.now).format_duration(right)),
            )
            difference = comparison_rows.format_duration_difference(left, right)
            yield ComparisonRow(name, *cells, left != right, difference)

    def _cost_row(self) -> ComparisonRow:
        left, right = self.left.cost, self.right.cost
        cells = comparison_rows.cost_cell(left), comparison_rows.cost_cell(right)
        return ComparisonRow("cost, est.", *cells, left != right, comparison_rows.format_cost_difference(left, right))

    def _assistant_row(self) -> ComparisonRow:
        left, right = self.left.assistant_id, self.right.assistant_id
        return ComparisonRow("assistant_id", self._assistant_cell(left), self._assistant_cell(right), left != right)

    def _assistant_cell(self, assistant_id: str) -> ComparisonCell:
        name = self.assistant_names.get(assistant_id)
        return text_cell(f"{name} ({assistant_id})" if name else assistant_id)

    def _length_rows(self) -> Iterator[ComparisonRow]:
        left, right = self._get_values("instructions")
        yield ComparisonRow("instructions", _length_cell(left), _length_cell(right), not is_equal_value(left, right))
        left, right = self._get_values("tools")
        are_lists = isinstance(left, list) and isinstance(right, list)
        differs = bool(self.tools) if are_lists else not is_equal_value(left, right)
        yield ComparisonRow("tools", _length_cell(left), _length_cell(right), differs)

    def _tool_calls_row(self) -> ComparisonRow:
        left, right = _called_names(self.left_steps), _called_names(self.right_steps)
        cells = comparison_rows.tool_calls_cell(left), comparison_rows.tool_calls_cell(right)
        if left is None or right is None:
            return ComparisonRow("tool calls", *cells, differs=False)
        difference = comparison_rows.format_count_difference(len(left), len(right))
        return ComparisonRow("tool calls", *cells, left != right, difference)


def _called_names(read: ReadSteps) -> list[str] | None:
    """Return the names of the called tools in order; None for a run without steps."""
    return [name for _, step in read.steps for name in step.tool_names] if read.steps else None


def _queue_milliseconds(run: Run, read: ReadSteps) -> int | None:
    return milliseconds_between(run.stated_created_at, fetch_run_turns(run, read.totals).first_start)


def _length_cell(value: Any) -> ComparisonCell:
    """Return a cell with the length of a text, or the number of tools."""
    match value:
        case list():
            return text_cell(f"{len(value):,} tool{'' if len(value) == 1 else 's'}")
        case str():
            return text_cell(f"{len(value):,} character{'' if len(value) == 1 else 's'}")
        case _:
            return value_cell(value)
