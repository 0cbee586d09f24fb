"""Two runs compared: every field of both in groups, and the texts and tools that changed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from dashboard.ui import comparison_rows, text_diff, tool_diff
from dashboard.ui.comparison_rows import ComparisonCell, ComparisonRow, get_posted_value, text_cell, value_cell
from dashboard.ui.lifecycle import RunClock
from dashboard.ui.posted_object import FieldPresence, PostedObject, as_text
from dashboard.ui.text_diff import TextDiff
from dashboard.ui.tool_diff import ToolsDiff
from runs.models import Run
from runs.protocol.lossless_json import is_equal_value

# They name the runs themselves, so they can't but differ.
_IDENTITY = ("id", "object")
_OUTCOME = ("status", "last_error", "incomplete_details", "required_action")
_TIMES = ("created_at", "started_at", "expires_at", "cancelled_at", "failed_at", "completed_at")
_WHO = ("thread_id", "model")
# Compared in sections of their own; the table says how much there is.
_LONG = ("instructions", "tools")
_SETTINGS = (
    *("temperature", "top_p", "reasoning_effort", "max_prompt_tokens", "max_completion_tokens"),
    *("truncation_strategy", "tool_choice", "parallel_tool_calls", "response_format"),
    *("tool_resources", "file_ids"),
)
_NAMED = {"assistant_id", *_IDENTITY, *_OUTCOME, *_TIMES, *_WHO, *_LONG, *_SETTINGS, "usage", "metadata"}


@dataclass(frozen=True, slots=True)
class ComparisonGroup:
    """Rows under a heading."""

    title: str
    rows: list[ComparisonRow]


@dataclass
class RunComparison:
    """Runs A and B, and how often each called its tools: None where its steps are not known.

    `names` are those of assistants, by id.
    """

    left: Run
    right: Run
    left_calls: Counter[str] | None
    right_calls: Counter[str] | None
    now: datetime
    names: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def groups(self) -> list[ComparisonGroup]:
        """All fields."""
        found = (
            ComparisonGroup("Outcome", [*self._fields(_OUTCOME)]),
            ComparisonGroup(
                "Time and tokens", [*self._times(), *self._spans(), *self._fields(("usage",)), self._cost()]
            ),
            ComparisonGroup(
                "Configuration", [self._assistant(), *self._fields(_WHO), *self._long(), *self._fields(_SETTINGS)]
            ),
            ComparisonGroup("Behaviour", [self._calls()]),
            ComparisonGroup("Metadata", [*self._fields(("metadata",))]),
            ComparisonGroup("Other fields", [*self._fields(self._others)]),
        )
        return [group for group in found if group.rows]

    @cached_property
    def differing(self) -> list[ComparisonGroup]:
        """Those that differ."""
        found = (ComparisonGroup(group.title, [row for row in group.rows if row.differs]) for group in self.groups)
        return [group for group in found if group.rows]

    @cached_property
    def same(self) -> list[str]:
        """The names of those that don't."""
        return [row.name for group in self.groups for row in group.rows if not row.differs]

    @property
    def count(self) -> int:
        return sum(len(group.rows) for group in self.groups)

    @property
    def differing_count(self) -> int:
        return sum(len(group.rows) for group in self.differing)

    @cached_property
    def instructions(self) -> TextDiff | None:
        """What changed in the instructions; None where nothing did, or one has none."""
        left, right = (as_text(posted.value("instructions")) for posted in self._posted)
        return None if left is None or right is None or left == right else text_diff.diff_text(left, right)

    @cached_property
    def tools(self) -> ToolsDiff:
        """What changed in the tools."""
        left, right = self._posted
        return tool_diff.diff_tools(left.list_value("tools"), right.list_value("tools"))

    @cached_property
    def _posted(self) -> tuple[PostedObject, PostedObject]:
        return PostedObject(self.left.members()), PostedObject(self.right.members())

    @property
    def _others(self) -> list[str]:
        """Fields of one vendor, or of a time to come."""
        names = dict.fromkeys(name for posted in self._posted for name in posted.members)
        return [name for name in names if name not in _NAMED]

    def _fields(self, names: Iterable[str]) -> Iterator[ComparisonRow]:
        for name in names:
            left, right = self._values(name)
            yield from comparison_rows.build_field_rows(name, left, right)

    def _values(self, name: str) -> tuple[Any, Any]:
        left, right = self._posted
        return get_posted_value(left, name), get_posted_value(right, name)

    def _times(self) -> Iterator[ComparisonRow]:
        for name in _TIMES:
            left, right = self._values(name)
            moments = getattr(self.left, name), getattr(self.right, name)
            cells = comparison_rows.time_cell(left, moments[0]), comparison_rows.time_cell(right, moments[1])
            if any(each.presence is not FieldPresence.ABSENT for each in cells):
                yield ComparisonRow(
                    name, *cells, not is_equal_value(left, right), comparison_rows.format_time_difference(*moments)
                )

    def _spans(self) -> Iterator[ComparisonRow]:
        """Waiting and taking, by each run's own timestamps."""
        for name, end in (("until started", "started_at"), ("duration", "ended_at")):
            left, right = _since_created(self.left, end), _since_created(self.right, end)
            cells = self._span(self.left, left), self._span(self.right, right)
            yield ComparisonRow(name, *cells, left != right, comparison_rows.format_duration_difference(left, right))

    def _span(self, run: Run, ms: int | None) -> ComparisonCell:
        return text_cell(RunClock.for_run(run, self.now).format_duration(ms))

    def _cost(self) -> ComparisonRow:
        """What each may have cost, as it is stored."""
        left, right = self.left.cost, self.right.cost
        cells = comparison_rows.cost_cell(left), comparison_rows.cost_cell(right)
        return ComparisonRow("cost, est.", *cells, left != right, comparison_rows.format_cost_difference(left, right))

    def _assistant(self) -> ComparisonRow:
        """By its name, where it has one, and its id."""
        left, right = self.left.assistant_id, self.right.assistant_id
        return ComparisonRow("assistant_id", self._named(left), self._named(right), left != right)

    def _named(self, assistant_id: str) -> ComparisonCell:
        name = self.names.get(assistant_id)
        return text_cell(f"{name} ({assistant_id})" if name else assistant_id)

    def _long(self) -> Iterator[ComparisonRow]:
        old, new = self._values("instructions")
        yield ComparisonRow("instructions", _extent(old), _extent(new), not is_equal_value(old, new))
        old, new = self._values("tools")
        are_lists = isinstance(old, list) and isinstance(new, list)
        differs = bool(self.tools) if are_lists else not is_equal_value(old, new)
        yield ComparisonRow("tools", _extent(old), _extent(new), differs)

    def _calls(self) -> ComparisonRow:
        counts = [None if each is None else each.total() for each in (self.left_calls, self.right_calls)]
        cells = comparison_rows.tool_calls_cell(self.left_calls), comparison_rows.tool_calls_cell(self.right_calls)
        differs = None not in counts and self.left_calls != self.right_calls
        return ComparisonRow("tool calls", *cells, differs, comparison_rows.format_count_difference(*counts))


def _since_created(run: Run, name: str) -> int | None:
    end: datetime | None = getattr(run, name)
    return None if end is None else (end - run.created_at) // timedelta(milliseconds=1)


def _extent(found: Any) -> ComparisonCell:
    """How long a text is, how many tools there are."""
    match found:
        case list():
            return text_cell(f"{len(found):,} tool{'' if len(found) == 1 else 's'}")
        case str():
            return text_cell(f"{len(found):,} character{'' if len(found) == 1 else 's'}")
        case _:
            return value_cell(found)
