"""What the calls of a run have against its own tools, for the sections that show it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from dashboard.pages.run.steps import RunPageStep
from dashboard.ui.posted_object import PostedObject
from dashboard.ui.tool_call_parts import DisplayedToolCall
from runs.enrichment.tool_call_validation import CallFinding, FunctionCallReport, validate_function_calls

# More are told at the calls themselves.
_MAX_ROWS = 20


@dataclass(frozen=True, slots=True)
class ToolCallFindingRow:
    """A finding with the step of its call; None for a call that only the required action tells of."""

    finding: CallFinding
    step: RunPageStep | None
    url: str


@dataclass
class ToolCallValidationSection:
    """Every call of a function held against the run's tools; empty where these were not sent."""

    posted: PostedObject
    steps: Sequence[RunPageStep]
    pending: Sequence[DisplayedToolCall]
    leads_to: Callable[[RunPageStep], str]

    @cached_property
    def report(self) -> FunctionCallReport:
        calls = [call.function_call for call, _ in self._calls if call.type == "function"]
        return validate_function_calls(self.posted.members.get("tools", b"null").decode(), calls)

    @cached_property
    def lines(self) -> list[ToolCallFindingRow]:
        """The first findings, in the order of the calls."""
        return [self._line(finding) for finding in self.report.findings[:_MAX_ROWS]]

    @property
    def more(self) -> int:
        """How many findings are not among `lines`."""
        return len(self.report.findings) - len(self.lines)

    @property
    def fault_count(self) -> int:
        """How many calls do not keep to what is declared."""
        return len({id(finding.call) for finding in self.report.errors})

    def of(self, call: DisplayedToolCall) -> list[CallFinding]:
        """What was found about one call."""
        return self._by_call.get(id(call.function_call), []) if call.type == "function" else []

    @cached_property
    def _calls(self) -> list[tuple[DisplayedToolCall, RunPageStep | None]]:
        told: list[tuple[DisplayedToolCall, RunPageStep | None]] = [
            (call, step) for step in self.steps for call in step.calls
        ]
        ids = {call.id for call, _ in told}
        return told + [(call, None) for call in self.pending if call.id not in ids]

    @cached_property
    def _by_call(self) -> dict[int, list[CallFinding]]:
        return {key: list(found) for key, found in groupby(self.report.findings, lambda finding: id(finding.call))}

    @cached_property
    def _steps(self) -> dict[int, RunPageStep | None]:
        return {id(call.function_call): step for call, step in self._calls if call.type == "function"}

    def _line(self, finding: CallFinding) -> ToolCallFindingRow:
        step = self._steps.get(id(finding.call))
        return ToolCallFindingRow(finding, step, self.leads_to(step) if step else "#overview")
