"""What the calls of a run have against its own tools, for the sections that show it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from dashboard.pages.run.steps import Step
from dashboard.ui.posted_object import Posted, Presence
from dashboard.ui.tool_call_parts import Call
from runs.enrichment.tool_schema import Finding, Report, check

# More are told at the calls themselves.
_MOST_LINES = 20


@dataclass(frozen=True, slots=True)
class Line:
    """A finding with the step of its call; None for a call that only the required action tells of."""

    finding: Finding
    step: Step | None
    url: str


@dataclass
class Contract:
    """Every call of a function held against the run's tools; empty where these were not sent."""

    posted: Posted
    steps: Sequence[Step]
    pending: Sequence[Call]
    leads_to: Callable[[Step], str]

    @cached_property
    def report(self) -> Report:
        if self.posted.presence("tools") is not Presence.VALUE:
            return Report((), ())
        tools = json.loads(self.posted.raw["tools"])
        return check(tools, [call.called for call, _ in self._calls if call.type == "function"])

    @cached_property
    def lines(self) -> list[Line]:
        """The first findings, in the order of the calls."""
        return [self._line(finding) for finding in self.report.findings[:_MOST_LINES]]

    @property
    def more(self) -> int:
        """How many findings are not among `lines`."""
        return len(self.report.findings) - len(self.lines)

    @property
    def fault_count(self) -> int:
        """How many calls do not keep to what is declared."""
        return len({id(finding.call) for finding in self.report.faults})

    def of(self, call: Call) -> list[Finding]:
        """What was found about one call."""
        return self._by_call.get(id(call.called), []) if call.type == "function" else []

    @cached_property
    def _calls(self) -> list[tuple[Call, Step | None]]:
        told: list[tuple[Call, Step | None]] = [(call, step) for step in self.steps for call in step.calls]
        ids = {call.id for call, _ in told}
        return told + [(call, None) for call in self.pending if call.id not in ids]

    @cached_property
    def _by_call(self) -> dict[int, list[Finding]]:
        return {key: list(found) for key, found in groupby(self.report.findings, lambda finding: id(finding.call))}

    @cached_property
    def _steps(self) -> dict[int, Step | None]:
        return {id(call.called): step for call, step in self._calls if call.type == "function"}

    def _line(self, finding: Finding) -> Line:
        step = self._steps.get(id(finding.call))
        return Line(finding, step, self.leads_to(step) if step else "#overview")
