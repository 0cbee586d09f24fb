"""The steps of a run and their tool calls, as rows of a waterfall."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from dashboard.lifecycle import Clock, goes_on
from dashboard.run_page import calls
from dashboard.run_page.axis import Axis, Tick
from dashboard.run_page.calls import Call, Part
from dashboard.run_page.posted import Posted, as_mapping
from dashboard.run_page.steps import Step
from runs.models import Run, RunStep
from runs.protocol.times import milliseconds_between

# More would be slow to draw; the rest is one click away.
MOST_STEPS = 200
_LONGEST_LABEL = 40


@dataclass(frozen=True, slots=True)
class Bar:
    """Where a step lies on the axis; `kind` is t tool call, m message, f failed, w waiting."""

    kind: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the waterfall: a step, or one of several calls of a step (`is_call`), which have no times."""

    anchor: str
    label: str
    status: str
    parts: list[Part]
    step: Step | None = None
    call: Call | None = None
    bar: Bar | None = None
    duration: str = ""
    began: str = ""
    is_open: bool = False

    @property
    def is_call(self) -> bool:
        return self.step is None

    @property
    def is_waiting(self) -> bool:
        return self.status == "requires_action"

    @property
    def short_label(self) -> str:
        """Without the middle where it is long: what tells names apart is mostly at their ends."""
        return f"{self.label[:20]}…{self.label[-17:]}" if len(self.label) > _LONGEST_LABEL else self.label


@dataclass
class Timeline:
    """The waterfall of a run; all of its `steps`, of which `limit` are drawn."""

    run: Run
    posted: Posted
    steps: Sequence[Step]
    now: datetime
    limit: int | None = MOST_STEPS

    @property
    def hidden(self) -> int:
        """How many steps are not drawn."""
        return 0 if self.limit is None else max(0, len(self.steps) - self.limit)

    @property
    def call_count(self) -> int:
        return sum(len(step.calls) for step in self.steps)

    @cached_property
    def pending(self) -> list[Call]:
        """The calls whose outputs the run waits for."""
        action = self.posted.mapping("required_action")
        kinds = ("submit_tool_outputs", "submit_tool_approval")
        found = [as_mapping(action.get(kind)).get("tool_calls") for kind in kinds]
        return [
            calls.read(each, is_awaited=True) for some in found if isinstance(some, list) for each in some
        ]

    @cached_property
    def axis(self) -> Axis:
        """From the creation, or the first step, to the latest moment known: now, while more is to come."""
        records = [step.record for step in self.steps]
        begin = min([self.run.created_at, *(record.created_at for record in records)])
        ends = [moment for record in records for moment in (record.created_at, record.ended_at)]
        last = self.now if self.is_open_ended else self.run.ended_at
        return Axis(begin, max(moment for moment in (begin, last, *ends) if moment is not None))

    @cached_property
    def ticks(self) -> list[Tick]:
        return self.axis.ticks

    @cached_property
    def grid(self) -> SafeString:
        """The lines behind every row, made once for all of them."""
        lines = ((tick.x, tick.x) for tick in self.ticks)
        return format_html_join("", '<line class="g" x1="{}" x2="{}" y2="100%"/>', lines)

    @property
    def total(self) -> str:
        return self._clock.span(milliseconds_between(self.axis.begin, self.axis.end), spelled=True)

    @cached_property
    def is_open_ended(self) -> bool:
        return goes_on(self.run, self.now)

    @property
    def rows(self) -> list[Row]:
        shown = self.steps if self.limit is None else self.steps[: self.limit]
        return [row for step in shown for row in self._rows(step)]

    def _rows(self, step: Step) -> Iterable[Row]:
        lone = step.calls[0] if len(step.calls) == 1 else None
        status = "requires_action" if lone and not lone.is_answered else step.record.status
        yield Row(
            step.anchor,
            step.title,
            status,
            lone.parts if lone else step.parts,
            step,
            lone,
            self._bar(step),
            self._clock.span(milliseconds_between(step.record.created_at, self._end(step.record))),
            self._clock.span(milliseconds_between(self.run.created_at, step.record.created_at)),
            is_open=step.is_failed or status == "requires_action",
        )
        if lone is None:
            for number, call in enumerate(step.calls, 1):
                yield _call_row(step, call, number)

    def _bar(self, step: Step) -> Bar | None:
        begin = step.record.created_at
        placed = self.axis.place(begin, self._end(step.record) or begin)
        return Bar(_kind(step, self.run), *placed) if placed else None

    def _end(self, record: RunStep) -> datetime | None:
        """When a step ended; now, while it goes on; None where nobody said."""
        goes_on = record.status == "in_progress" and self.is_open_ended
        return self.now if goes_on else record.ended_at

    @cached_property
    def _clock(self) -> Clock:
        return Clock.of(self.run, self.now)


def _call_row(step: Step, call: Call, number: int) -> Row:
    status = step.record.status if call.is_answered else "requires_action"
    return Row(
        f"{step.anchor}-{number}", call.name, status, call.parts, call=call, is_open=not call.is_answered
    )


def _kind(step: Step, run: Run) -> str:
    if step.is_failed:
        return "f"
    if step.record.status == "in_progress" and run.status == "requires_action":
        return "w"
    return "m" if step.record.type == "message_creation" else "t"
