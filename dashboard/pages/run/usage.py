"""Tokens against their limits, and by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from dashboard.pages.run.cost import RunCost
from dashboard.pages.run.steps import RunPageStep
from dashboard.pages.run.timeline import INITIAL_STEP_COUNT, Timeline
from dashboard.ui import formats, truncated_text
from dashboard.ui.posted_object import FieldPresence, PostedObject, as_integer
from dashboard.ui.timeline_axis import svg_percent
from dashboard.ui.truncated_text import TruncatedText
from runs.models import Run


@dataclass(frozen=True, slots=True)
class TokenMeter:
    """One count; a bar is drawn only where there is a limit."""

    label: str
    tokens: int | None
    limit_name: str
    limit: int | None
    part_label: str
    part: int | None

    @property
    def share(self) -> float | None:
        """Percent of the limit, at most 100."""
        if not self.limit or self.limit < 0 or self.tokens is None:
            return None
        return round(min(100.0, max(0.0, 100 * self.tokens / self.limit)), 2)

    @property
    def left(self) -> str:
        """What is left of the limit, in percent; "" where there is none."""
        if self.share is None or self.limit is None or self.tokens is None or self.tokens > self.limit:
            return ""
        return formats.format_percent(self.limit - self.tokens, self.limit)

    @property
    def is_over(self) -> bool:
        return self.limit is not None and self.tokens is not None and self.tokens > self.limit


@dataclass(frozen=True, slots=True)
class StepUsage:
    """A step's tokens; widths are SVG lengths beside the run's largest step. `cost` is "" where none is known."""

    step: RunPageStep
    url: str
    prompt_width: str
    completion_width: str
    cost: str


@dataclass
class UsageSection:
    run: Run
    posted: PostedObject
    steps: Sequence[RunPageStep]
    timeline: Timeline
    cost: RunCost
    is_full: bool = False

    @property
    def presence(self) -> FieldPresence:
        return self.posted.presence("usage")

    @property
    def meters(self) -> list[TokenMeter]:
        run = self.run
        return [
            self._meter("Prompt tokens", run.prompt_tokens, "max_prompt_tokens", "cached", run.cached_tokens),
            self._meter(
                "Completion tokens",
                run.completion_tokens,
                "max_completion_tokens",
                "reasoning",
                run.reasoning_tokens,
            ),
        ]

    @property
    def is_sum(self) -> bool:
        """Whether the total is that of its parts, as far as all three were sent."""
        counts = (self.run.prompt_tokens, self.run.completion_tokens, self.run.total_tokens)
        prompt, completion, total = counts
        return prompt is None or completion is None or total is None or prompt + completion == total

    @property
    def as_sent(self) -> TruncatedText | None:
        """The posted object, where it has members beyond those of the specification."""
        known = {"prompt_tokens", "completion_tokens", "total_tokens"}
        value = self.posted.object_value("usage")
        return truncated_text.truncate_json(value) if set(value) - known else None

    @cached_property
    def counted(self) -> list[RunPageStep]:
        """The steps that tell what they used."""
        return [step for step in self.steps if _total(step)]

    @property
    def hidden(self) -> int:
        """How many of them are not drawn."""
        return 0 if self.is_full else max(0, len(self.counted) - INITIAL_STEP_COUNT)

    @property
    def by_step(self) -> list[StepUsage]:
        largest = max(map(_total, self.counted), default=0)
        drawn = self.counted if self.is_full else self.counted[:INITIAL_STEP_COUNT]
        return [
            StepUsage(
                step,
                self.timeline.leads_to(step),
                svg_percent(100 * (step.record.prompt_tokens or 0) / largest),
                svg_percent(100 * (step.record.completion_tokens or 0) / largest),
                self.cost.of(step.record.prompt_tokens, step.record.completion_tokens, step.record.cached_tokens),
            )
            for step in drawn
        ]

    def _meter(self, label: str, tokens: int | None, limit_name: str, part_label: str, part: int | None) -> TokenMeter:
        limit = as_integer(self.posted.value(limit_name))
        return TokenMeter(label, tokens, limit_name, limit, part_label, part)


def _total(step: RunPageStep) -> int:
    return (step.record.prompt_tokens or 0) + (step.record.completion_tokens or 0)
