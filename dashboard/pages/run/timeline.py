"""The steps of a run and their tool calls, as rows of a waterfall."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from itertools import islice

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from dashboard.pages.run.steps import RunPageStep
from dashboard.pages.run.tool_call_validation import ToolCallValidationSection
from dashboard.ui import tool_call_parts
from dashboard.ui.lifecycle import RunClock, is_run_ongoing
from dashboard.ui.posted_object import PostedObject
from dashboard.ui.timeline_axis import TimelineAxis, TimelineTick
from dashboard.ui.tool_call_parts import DisplayedToolCall, TitledPart
from runs.enrichment.tool_call_validation import CallFinding
from runs.models import Run, RunStep
from runs.protocol.timestamps import milliseconds_between

# Drawn at once: every step and call more takes its time, and is one click away.
INITIAL_STEP_COUNT = 30
# A short timeline comes with what its lines hold, so that a search in the page finds it; of a long one, that is
# fetched line by line.
_MAX_SHORT_TIMELINE_ROWS = 12
# With `full`: what more rows hold is fetched when they are unfolded.
_MAX_LOADED_ROWS = 200
# Failed and waiting steps are drawn wherever they are, since links lead to them.
_MAX_EXTRA_STEPS = 10
_MAX_LABEL_LENGTH = 40


@dataclass(frozen=True, slots=True)
class TimelineBar:
    """Where a step lies on the axis; `kind` is t tool call, m message, f failed, w waiting."""

    kind: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """A line of the waterfall: a step, or one of several calls of a step (`is_call`), which have no times.

    `place` tells lines apart in addresses: 7 for the seventh step, 7-2 for its second call.
    """

    place: str
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
        return self.step is None

    @property
    def parts(self) -> list[TitledPart]:
        """What is unfolded; of a step with several calls, each has a line of its own."""
        if self.call is not None:
            return self.call.parts
        return self.step.parts if self.step else []

    @property
    def is_waiting(self) -> bool:
        return self.status == "requires_action"

    @property
    def wrong(self) -> list[str]:
        """In which ways its call is wrong."""
        return list(dict.fromkeys(str(finding.kind) for finding in self.findings if finding.is_error))

    @property
    def short_label(self) -> str:
        """Without the middle where it is long: what tells names apart is mostly at their ends."""
        return f"{self.label[:20]}…{self.label[-17:]}" if len(self.label) > _MAX_LABEL_LENGTH else self.label


@dataclass
class Timeline:
    """The waterfall of a run. Of its `steps` the first are drawn, and those that failed or wait; `is_full`: all.

    `opened` is the place of a line that is to be drawn unfolded, whatever else is; `kept` stays in addresses.
    """

    run: Run
    posted: PostedObject
    steps: Sequence[RunPageStep]
    now: datetime
    is_full: bool = False
    opened: str = ""
    kept: str = ""

    @cached_property
    def contract(self) -> ToolCallValidationSection:
        """What the calls have against the run's tools."""
        return ToolCallValidationSection(self.posted, self.steps, self.pending, self.leads_to)

    @property
    def hidden(self) -> int:
        """How many steps are not drawn."""
        return len(self.steps) - len(self.drawn)

    @property
    def is_whole(self) -> bool:
        """Whether every line is drawn with what it holds."""
        return not self.hidden and all(row.is_loaded for row in self.rows)

    @cached_property
    def drawn(self) -> list[RunPageStep]:
        if self.is_full:
            return list(self.steps)
        later = (step for step in self.steps[INITIAL_STEP_COUNT:] if self._is_eventful(step))
        return [*self.steps[:INITIAL_STEP_COUNT], *islice(later, _MAX_EXTRA_STEPS)]

    @cached_property
    def _drawn_numbers(self) -> set[int]:
        return {step.number for step in self.drawn}

    def leads_to(self, step: RunPageStep) -> str:
        """The address of a step on this page, wherever it is drawn."""
        return f"#{step.anchor}" if step.number in self._drawn_numbers else f"?{self.kept}full=timeline#{step.anchor}"

    def row(self, place: str) -> TimelineRow | None:
        """The line at that place, with what it holds."""
        number = _number(place)
        if not 0 < number <= len(self.steps):
            return None
        return next((row for row in self._rows(self.steps[number - 1]) if row.place == place), None)

    @property
    def call_count(self) -> int:
        return sum(len(step.calls) for step in self.steps)

    @cached_property
    def pending(self) -> list[DisplayedToolCall]:
        """The calls whose outputs the run waits for."""
        return tool_call_parts.parse_required_action(self.posted.value("required_action"))

    @cached_property
    def axis(self) -> TimelineAxis:
        """From the creation, or the first step, to the latest moment known: now, while more is to come."""
        records = [step.record for step in self.steps]
        begin = min([self.run.created_at, *(record.created_at for record in records)])
        ends = [moment for record in records for moment in (record.created_at, record.ended_at)]
        last = self.now if self.is_open_ended else self.run.ended_at
        return TimelineAxis(begin, max(moment for moment in (begin, last, *ends) if moment is not None))

    @cached_property
    def ticks(self) -> list[TimelineTick]:
        return self.axis.ticks

    @cached_property
    def grid(self) -> SafeString:
        """The lines behind every row, made once for all of them."""
        lines = ((tick.x, tick.x) for tick in self.ticks)
        return format_html_join("", '<line class="g" x1="{}" x2="{}" y2="100%"/>', lines)

    @property
    def total(self) -> str:
        return self._clock.format_duration(milliseconds_between(self.axis.begin, self.axis.end), spelled=True)

    @cached_property
    def is_open_ended(self) -> bool:
        return is_run_ongoing(self.run, self.now)

    @cached_property
    def rows(self) -> list[TimelineRow]:
        """The lines that are drawn. What those of a long timeline hold is fetched when they are unfolded."""
        rows = [row for step in self.drawn for row in self._rows(step)]
        bodies = _MAX_LOADED_ROWS if self.is_full else len(rows) if len(rows) <= _MAX_SHORT_TIMELINE_ROWS else 0
        return [
            row if number < bodies or row.is_open or row.place == self.opened else replace(row, is_loaded=False)
            for number, row in enumerate(rows)
        ]

    def _is_eventful(self, step: RunPageStep) -> bool:
        shown = step.number == _number(self.opened)
        return shown or step.is_failed or not all(call.is_answered for call in step.calls)

    def _rows(self, step: RunPageStep) -> Iterable[TimelineRow]:
        lone = step.calls[0] if len(step.calls) == 1 else None
        status = "requires_action" if lone and not lone.is_answered else step.record.status
        place = str(step.number)
        yield TimelineRow(
            place,
            step.anchor,
            step.title,
            status,
            step,
            lone,
            self._bar(step),
            self._clock.format_duration(milliseconds_between(step.record.created_at, self._end(step.record))),
            self._clock.format_duration(milliseconds_between(self.run.created_at, step.record.created_at)),
            is_open=step.is_failed or status == "requires_action" or place == self.opened,
            findings=self.contract.of(lone) if lone else (),
        )
        if lone is None:
            for number, call in enumerate(step.calls, 1):
                yield self._call_row(step, call, number)

    def _call_row(self, step: RunPageStep, call: DisplayedToolCall, number: int) -> TimelineRow:
        place = f"{step.number}-{number}"
        return TimelineRow(
            place,
            f"{step.anchor}-{number}",
            call.name,
            step.record.status if call.is_answered else "requires_action",
            call=call,
            is_open=not call.is_answered or place == self.opened,
            findings=self.contract.of(call),
        )

    def _bar(self, step: RunPageStep) -> TimelineBar | None:
        begin = step.record.created_at
        placed = self.axis.place(begin, self._end(step.record) or begin)
        return TimelineBar(_kind(step, self.run), *placed) if placed else None

    def _end(self, record: RunStep) -> datetime | None:
        """When a step ended; now, while it goes on; None where nobody said."""
        goes_on = record.status == "in_progress" and self.is_open_ended
        return self.now if goes_on else record.ended_at

    @cached_property
    def _clock(self) -> RunClock:
        return RunClock.for_run(self.run, self.now)


def _number(place: str) -> int:
    """The number of the step at that place; 0 for none."""
    number, _, _ = place.partition("-")
    return int(number) if number.isdecimal() and len(number) < 10 else 0


def _kind(step: RunPageStep, run: Run) -> str:
    if step.is_failed:
        return "f"
    if step.record.status == "in_progress" and run.status == "requires_action":
        return "w"
    return "m" if step.record.type == "message_creation" else "t"
