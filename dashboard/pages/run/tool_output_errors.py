"""The outputs of tools that look like errors: what they say, and whether that may be why a run went wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dashboard.pages.run.steps import Step
from runs.models import Run

# More are told at the calls themselves.
MOST_SHOWN = 10
_WENT_WRONG = ("failed", "incomplete", "expired", "cancelled")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a call of `step` gave back; `url` leads there."""

    step: Step
    name: str
    words: str
    url: str


def complaints(steps: Sequence[Step], leads_to: Callable[[Step], str]) -> list[Complaint]:
    """All of a run, in the order of its steps."""
    return [
        Complaint(step, call.name, call.complaint, leads_to(step))
        for step in steps
        for call in step.calls
        if call.complaint is not None
    ]


def explanation(run: Run, steps: Sequence[Step], found: Sequence[Complaint]) -> Complaint | None:
    """The complaint that a run which went wrong had last heard: one of its last step with an answered call."""
    if run.status not in _WENT_WRONG:
        return None
    last = next((step for step in reversed(steps) if any(call.output_length for call in step.calls)), None)
    return next((each for each in found if each.step is last), None)
