"""The timeline of a run: its steps and their tool calls as the rows of a waterfall chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from itertools import islice

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from dashboard.pages.run.params import RunPageParams
from dashboard.pages.run.steps import RunPageStep, RunSteps
from dashboard.ui.run_clock import RunClock, is_run_ongoing
from dashboard.ui.timeline_axis import TimelineAxis, TimelineTick
from dashboard.ui.tool_call_parts import DisplayedToolCall, TitledPart
from runs.enrichment.function_calls import CallFinding
from runs.models import Run, RunStep
from runs.protocol.timestamps import milliseconds_between

# More steps take more time; they are one click away.
INITIAL_STEP_COUNT = 30
_MAX_CALLS_PER_STEP = 200
# Failed and waiting steps are always drawn, because links point to them.
_MAX_EXTRA_STEPS = 10
# A short timeline is sent with the content of its rows, so that a search in the page finds it. The content of a
# longer one is fetched when a row is opened. With `full=timeline`, only that of the rows after these is.
_MAX_SHORT_TIMELINE_ROWS = 12
_MAX_LOADED_ROWS = 200
_MAX_LABEL_LENGTH = 40


@dataclass(frozen=True, slots=True)
class TimelineBar:
    """The bar of a step, as SVG lengths. `kind` is "t" (tool call), "m" (message), "f" (failed) or "w" (waiting)."""

    kind: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """A step, or one of several calls of a step. Only steps have times.

    `position` identifies the row in URLs: 7 is the seventh step, 7-2 is its second call. `began` is the time since
    the creation of the run.
    """

    position: str
    anchor: str
    label: str
    status: str
    step: RunPageStep | None = None
    call: DisplayedToolCall | None = None
    bar: TimelineBar | None = None
    duration: str = ""
    began: str = ""
    is_open: bool = False
    is_loaded: bool = True
    findings: Sequence[CallFinding] = ()

    @property
    def is_call(self) -> bool:
        """Return whether this is one of several calls of a step."""
        return self.step is None

    @property
    def parts(self) -> list[TitledPart]:
        """The content of the row. The calls of a step with several calls have rows of their own."""
        if self.call is not None:
            return self.call.parts
        return self.step.parts if self.step else []

    @property
    def is_waiting(self) -> bool:
        """Return whether the run waits for the output of the call."""
        return self.status == "requires_action"

    @property
    def violations(self) -> list[str]:
        """The kinds of violations of the tool schema."""
        return list(dict.fromkeys(str(finding.kind) for finding in self.findings if finding.is_error))

    @property
    def short_label(self) -> str:
        """The label, shortened in the middle: similar names mostly differ at their ends."""
        return f"{self.label[:20]}…{self.label[-17:]}" if len(self.label) > _MAX_LABEL_LENGTH else self.label


@dataclass
class Timeline:
    """The timeline of `run`. It draws the first steps, and those that failed or wait, unless all are requested."""

    run: Run
    steps: RunSteps
    now: datetime
    params: RunPageParams

    @property
    def is_full(self) -> bool:
        """Return whether all steps are drawn."""
        return "timeline" in self.params.full

    @property
    def is_loaded(self) -> bool:
        """Return whether every step is drawn with its content."""
        return not self.hidden_step_count and all(row.is_loaded for row in self.rows)

    @property
    def hidden_step_count(self) -> int:
        """The number of steps that are not drawn."""
        return self.steps.totals.count - len(self._drawn_steps)

    @cached_property
    def rows(self) -> list[TimelineRow]:
        """The rows that are drawn."""
        rows = [row for step in self._drawn_steps for row in self._build_rows(step)]
        loaded_count = _MAX_LOADED_ROWS if self.is_full else len(rows) if len(rows) <= _MAX_SHORT_TIMELINE_ROWS else 0
        return [
            row
            if index < loaded_count or row.is_open or row.position == self.params.open_row
            else replace(row, is_loaded=False)
            for index, row in enumerate(rows)
        ]

    def find_row(self, position: str) -> TimelineRow | None:
        """Return the row at `position` with its content, or None if there is none."""
        rows = (row for step in self.steps.steps for row in self._build_rows(step))
        return next((row for row in rows if row.position == position), None)

    def step_url(self, step: RunPageStep) -> str:
        """Return the relative URL of a step, whether it is drawn or not."""
        if step.number in self._drawn_numbers:
            return f"#{step.anchor}"
        return f"?{self.params.link_prefix}full=timeline#{step.anchor}"

    @cached_property
    def is_ongoing(self) -> bool:
        """Return whether the run is still in progress."""
        return is_run_ongoing(self.run, self.now)

    @property
    def total(self) -> str:
        """The time that the axis covers."""
        return self._clock.format_duration(milliseconds_between(self._axis.begin, self._axis.end))

    @cached_property
    def ticks(self) -> list[TimelineTick]:
        """The ticks of the time axis."""
        return self._axis.ticks

    @cached_property
    def grid(self) -> SafeString:
        """The grid lines behind every row. They are rendered once for all rows."""
        lines = ((tick.x, tick.x) for tick in self.ticks)
        return format_html_join("", '<line class="g" x1="{}" x2="{}" y2="100%"/>', lines)

    @cached_property
    def _axis(self) -> TimelineAxis:
        """The time from the creation, or the first step, to the latest known moment: now, if the run is in progress."""
        totals = self.steps.totals
        begin = min(self.run.stated_created_at, totals.first_at or self.run.stated_created_at)
        end = self.now if self.is_ongoing else self.run.ended_at
        return TimelineAxis(begin, max(moment for moment in (begin, end, totals.last_at) if moment is not None))

    @cached_property
    def _clock(self) -> RunClock:
        return RunClock.for_run(self.run, self.now)

    @cached_property
    def _drawn_steps(self) -> list[RunPageStep]:
        if self.is_full:
            return self.steps.steps
        later = (
            step
            for step in self.steps.steps[INITIAL_STEP_COUNT:]
            if step.number == self.params.open_step_number
            or step.is_failed
            or not all(call.is_answered for call in step.calls)
        )
        return [*self.steps.steps[:INITIAL_STEP_COUNT], *islice(later, _MAX_EXTRA_STEPS)]

    @cached_property
    def _drawn_numbers(self) -> set[int]:
        return {step.number for step in self._drawn_steps}

    def _build_rows(self, step: RunPageStep) -> Iterator[TimelineRow]:
        """Yield the row of a step, then a row for each of its calls if it has several."""
        only_call = step.calls[0] if len(step.calls) == 1 else None
        is_waiting = only_call is not None and not only_call.is_answered
        status = "requires_action" if is_waiting else step.record.status
        begin, end = step.record.stated_created_at, self._step_end(step.record)
        place = self._axis.place(begin, end or begin)
        yield TimelineRow(
            position=str(step.number),
            anchor=step.anchor,
            label=step.title,
            status=status,
            step=step,
            call=only_call,
            bar=TimelineBar(self._bar_kind(step), *place) if place else None,
            duration=self._clock.format_duration(milliseconds_between(begin, end)),
            began=self._clock.format_duration(milliseconds_between(self.run.stated_created_at, begin)),
            is_open=step.is_failed or status == "requires_action" or self.params.open_row == str(step.number),
            findings=self.steps.findings_of(only_call) if only_call else (),
        )
        if only_call is not None:
            return
        for number, call in enumerate(step.calls[:_MAX_CALLS_PER_STEP], 1):
            position = f"{step.number}-{number}"
            yield TimelineRow(
                position=position,
                anchor=f"{step.anchor}-{number}",
                label=call.name,
                status=step.record.status if call.is_answered else "requires_action",
                call=call,
                is_open=not call.is_answered or self.params.open_row == position,
                findings=self.steps.findings_of(call),
            )

    def _step_end(self, record: RunStep) -> datetime | None:
        """Return when a step ended, now for a step in progress, or None if the end is unknown."""
        return self.now if record.status == "in_progress" and self.is_ongoing else record.ended_at

    def _bar_kind(self, step: RunPageStep) -> str:
        if step.is_failed:
            return "f"
        if step.record.status == "in_progress" and self.run.status == "requires_action":
            return "w"
        return "m" if step.record.type == "message_creation" else "t"
