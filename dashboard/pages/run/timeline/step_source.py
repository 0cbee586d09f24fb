"""The steps of a run, and the calls of each, as nodes of its timeline."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from dashboard.pages.run.steps import (
    RunPageStep,
    RunSteps,
    fetch_chosen_steps,
    format_step_title,
    make_step_anchor,
)
from dashboard.pages.run.timeline.tree import TimelineNode
from dashboard.ui.run_clock import RunClock, is_run_ongoing
from dashboard.ui.timeline_axis import TimelineAxis
from dashboard.ui.titled_part import TitledPart
from dashboard.ui.tool_call_parts import DisplayedToolCall
from runs.enrichment.function_calls import CallFinding
from runs.models import Run, RunStep
from runs.protocol.timestamps import milliseconds_between

MAX_NODES = 20_000  # steps with their calls
MAX_CALLS_PER_STEP = 200
TOOL_CALL, MESSAGE, CALL = "tool calls", "message", "tool call"
_KINDS = {"tool_calls": TOOL_CALL, "message_creation": MESSAGE}


@dataclass(frozen=True, slots=True)
class StepContent:
    """The content of a row: of a step, or of one of several calls of a step, which has no `step`."""

    step: RunPageStep | None
    call: DisplayedToolCall | None
    began: str = ""
    findings: Sequence[CallFinding] = ()

    @property
    def parts(self) -> list[TitledPart]:
        """The content of the row. The calls of a step with several calls have rows of their own."""
        if self.call is not None:
            return self.call.parts
        return self.step.parts if self.step else []

    @property
    def violations(self) -> list[str]:
        """The kinds of violations of the tool schema."""
        return list(dict.fromkeys(str(finding.kind) for finding in self.findings if finding.is_error))


class StepSource:
    """The nodes of the steps of `run`. Those that the page has not read are read without their contents."""

    noun = "step"
    template = "pages/run/_step_content.html"

    def __init__(self, run: Run, steps: RunSteps, now: datetime) -> None:
        """Build on the steps that the page has read."""
        self._run = run
        self._steps = steps
        self._now = now
        self._clock = RunClock.for_run(run, now)
        self._is_ongoing = is_run_ongoing(run, now)

    @property
    def count(self) -> int:
        """The number of all steps."""
        return self._steps.totals.count

    @property
    def is_precise(self) -> bool:
        """Return whether times are known in milliseconds."""
        return self._clock.precise

    @cached_property
    def axis(self) -> TimelineAxis:
        """The time from the creation, or the first step, to the latest known moment: now, if the run is in progress."""
        totals = self._steps.totals
        begin = min(self._run.stated_created_at, totals.first_at or self._run.stated_created_at)
        end = self._now if self._is_ongoing else self._run.ended_at
        return TimelineAxis(begin, max(moment for moment in (begin, end, totals.last_at) if moment is not None))

    @cached_property
    def nodes(self) -> list[TimelineNode]:
        """The steps, each followed by its calls if it has several."""
        read = {step.number: step for step in self._steps.steps}
        nodes: list[TimelineNode] = []
        for number, record in self._steps.listed:
            nodes += self._build_nodes(number, record, read.get(number))
            if len(nodes) > MAX_NODES:
                break
        return nodes

    @property
    def required(self) -> Iterator[str]:
        """The positions that links point to: those of steps that failed or wait."""
        for node in self.nodes:
            if node.is_failed or node.is_waiting:
                yield node.position

    def read_contents(self, positions: Collection[str]) -> dict[str, StepContent]:
        """Return the contents of nodes by position."""
        numbers = {int(position.partition("-")[0]) for position in positions}
        records = {number: record.external_id for number, record in self._steps.listed if number in numbers}
        read = {step.number for step in self._steps.steps}
        unread = {number: step_id for number, step_id in records.items() if number not in read}
        chosen = fetch_chosen_steps(self._run, self._steps, unread) if unread else self._steps
        contents: dict[str, StepContent] = {}
        for steps in (self._steps, chosen):
            for step in steps.steps:
                if step.number in numbers:
                    contents |= self._build_contents(step, steps)
        return {position: contents[position] for position in positions if position in contents}

    def _build_nodes(self, number: int, record: RunStep, step: RunPageStep | None) -> Iterator[TimelineNode]:
        calls: Sequence[DisplayedToolCall | None] = [None] * len(record.tool_names) if step is None else step.calls
        names = [call.name for call in step.calls] if step is not None else record.tool_names
        only_call = calls[0] if len(calls) == 1 else None
        is_waiting = only_call is not None and not only_call.is_answered
        if step is None:  # read without its calls
            is_waiting = self._run.status == "requires_action" and record.status == "in_progress"
        position, anchor = str(number), make_step_anchor(record.external_id, number)
        yield TimelineNode(
            position=position,
            parent=None,
            number=position,
            label=format_step_title(record),
            kind=_KINDS.get(record.type, record.type),
            status="requires_action" if is_waiting else record.status,
            anchor=anchor,
            begin=record.stated_created_at,
            end=self._end(record),
            tokens=record.total_tokens,
            is_failed=record.is_failed,
        )
        if len(names) < 2:
            return
        for index, (name, call) in enumerate(zip(names[:MAX_CALLS_PER_STEP], calls, strict=False), 1):
            yield TimelineNode(
                position=f"{number}-{index}",
                parent=position,
                number=f"{number}.{index}",
                label=name,
                kind=CALL,
                status=record.status if call is None or call.is_answered else "requires_action",
                anchor=f"{anchor}-{index}",
            )

    def _end(self, record: RunStep) -> datetime | None:
        """Return when a step ended, now for a step in progress, or None if the end is unknown."""
        return self._now if record.status == "in_progress" and self._is_ongoing else record.ended_at

    def _build_contents(self, step: RunPageStep, steps: RunSteps) -> Iterator[tuple[str, StepContent]]:
        """Yield the content of a step, then of each of its calls if it has several."""
        only_call = step.calls[0] if len(step.calls) == 1 else None
        passed = milliseconds_between(self._run.stated_created_at, step.record.stated_created_at)
        findings = steps.findings_of(only_call) if only_call else ()
        yield str(step.number), StepContent(step, only_call, self._clock.format_duration(passed), findings)
        if only_call is None:
            for index, call in enumerate(step.calls[:MAX_CALLS_PER_STEP], 1):
                yield f"{step.number}-{index}", StepContent(None, call, findings=steps.findings_of(call))
