"""The steps of two runs side by side, in the order in which they happened, aligned by what they did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice, zip_longest

from dashboard.ui.run_clock import RunClock
from runs.analytics.run_steps import ReadSteps
from runs.models import RunStep
from runs.protocol.timestamps import milliseconds_between

MAX_PAIRS = 200
_MAX_TITLE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class ComparedStep:
    """A step of one run. `title` names its tool calls in order, or its type."""

    number: int
    title: str
    status: str
    duration: str


@dataclass(frozen=True, slots=True)
class StepPair:
    """Steps that correspond to each other, or a step that only one run has."""

    left: ComparedStep | None
    right: ComparedStep | None

    @property
    def differs(self) -> bool:
        """Return whether the runs did something else here, or with another outcome."""
        if self.left is None or self.right is None:
            return True
        return (self.left.title, self.left.status) != (self.right.title, self.right.status)


def pair_steps(left: ReadSteps, right: ReadSteps, left_clock: RunClock, right_clock: RunClock) -> list[StepPair]:
    """Return the first `MAX_PAIRS` pairs. Steps with equal titles correspond, in the order of both runs."""
    left_steps = [_build_step(number, step, left_clock) for number, step in left.steps]
    right_steps = [_build_step(number, step, right_clock) for number, step in right.steps]
    return list(islice(_align(left_steps, right_steps), MAX_PAIRS))


def _align(left: list[ComparedStep], right: list[ComparedStep]) -> Iterator[StepPair]:
    titles = [step.title for step in left], [step.title for step in right]
    for _, left_from, left_to, right_from, right_to in SequenceMatcher(None, *titles, autojunk=False).get_opcodes():
        for pair in zip_longest(left[left_from:left_to], right[right_from:right_to]):
            yield StepPair(*pair)


def _build_step(number: int, step: RunStep, clock: RunClock) -> ComparedStep:
    title = ", ".join(step.tool_names) or step.type
    duration = clock.format_duration(milliseconds_between(step.created_at, step.ended_at)) if step.ended_at else ""
    return ComparedStep(number, title[:_MAX_TITLE_LENGTH], step.status, duration)
