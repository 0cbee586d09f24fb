"""The outputs of tools that look like errors: what they say, and whether that may be why a run went wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dashboard.pages.run.steps import RunPageStep
from runs.models import Run

# More are told at the calls themselves.
MAX_OUTPUT_ERRORS = 10
_UNSUCCESSFUL_STATUSES = ("failed", "incomplete", "expired", "cancelled")


@dataclass(frozen=True, slots=True)
class OutputErrorRow:
    """What a call of `step` gave back; `url` leads there."""

    step: RunPageStep
    name: str
    words: str
    url: str


def build_output_error_rows(
    steps: Sequence[RunPageStep], leads_to: Callable[[RunPageStep], str]
) -> list[OutputErrorRow]:
    """All of a run, in the order of its steps."""
    return [
        OutputErrorRow(step, call.name, call.output_error, leads_to(step))
        for step in steps
        for call in step.calls
        if call.output_error is not None
    ]


def find_likely_cause(run: Run, steps: Sequence[RunPageStep], found: Sequence[OutputErrorRow]) -> OutputErrorRow | None:
    """The complaint that a run which went wrong had last heard: one of its last step with an answered call."""
    if run.status not in _UNSUCCESSFUL_STATUSES:
        return None
    last = next((step for step in reversed(steps) if any(call.output_length for call in step.calls)), None)
    return next((each for each in found if each.step is last), None)
