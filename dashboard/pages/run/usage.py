"""The usage section of the run page: tokens against their limits, tokens by step, and the estimated cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from dashboard.pages.run.errors import parse_incomplete_reason
from dashboard.pages.run.steps import RunPageStep, RunSteps
from dashboard.pages.run.timeline.section import Timeline
from dashboard.ui import formats
from dashboard.ui.posted_object import FieldPresence, PostedObject, as_integer
from dashboard.ui.timeline_axis import svg_percent
from dashboard.ui.truncated_text import TruncatedText, truncate_json
from runs.enrichment import pricing
from runs.enrichment.pricing import CostEstimate, PriceSource, TokenPrice
from runs.models import Run, RunStep

INITIAL_STEP_COUNT = 30
MAX_STEP_COUNT = 1_000
_MULTIPLICATION_SIGN = "\N{MULTIPLICATION SIGN}"
TOKEN_LIMITS = ("max_prompt_tokens", "max_completion_tokens")
_SPECIFIED_MEMBERS = {"prompt_tokens", "completion_tokens", "total_tokens"}


@dataclass
class RunCost:
    """The estimated cost of `run`."""

    run: Run

    @cached_property
    def price(self) -> TokenPrice | None:
        """The price of the model on the day of the run, or None if it is unknown."""
        return pricing.find_price(self.run.model, self.run.created_at.date(), self.run.project.prices)

    @cached_property
    def estimate(self) -> CostEstimate | None:
        """The estimate, or None if the price or a token count is unknown."""
        run = self.run
        return self.price.estimate(run.prompt_tokens, run.completion_tokens, run.cached_tokens) if self.price else None

    @property
    def total(self) -> str:
        """The estimate in dollars, or ""."""
        return formats.format_dollars(self.estimate.dollars) if self.estimate else ""

    def format_step_cost(self, step: RunPageStep) -> str:
        """Return the estimate for the tokens of a step in dollars, or ""."""
        record = step.record
        if self.price is None:
            return ""
        estimate = self.price.estimate(record.prompt_tokens, record.completion_tokens, record.cached_tokens)
        return formats.format_dollars(estimate.dollars) if estimate else ""

    @property
    def formula(self) -> str:
        """Each part with its price: `8,068 x $2.50/M + 6,144 cached x $1.25/M + 1,102 x $10.00/M`."""
        if self.estimate is None:
            return ""
        return " + ".join(
            f"{line.tokens:,}{' cached' if line.kind == 'cached' else ''} {_MULTIPLICATION_SIGN}"
            f" {format_token_price(line.rate)}/M"
            for line in self.estimate.lines
        )

    @property
    def lacks_cached_price(self) -> bool:
        """Return whether cached tokens count at the full price, because the model has no price for them."""
        return self.price is not None and self.price.cached is None and bool(self.run.cached_tokens)

    @property
    def source(self) -> PriceSource:
        """The package that the prices come from."""
        return pricing.load_price_source()


def format_token_price(price: Decimal) -> str:
    """Format a price in dollars without rounding, with at least two decimals."""
    shortest = f"{price.normalize():f}"
    return f"${price:.2f}" if len(shortest.partition(".")[2]) < 2 else f"${shortest}"


@dataclass(frozen=True, slots=True)
class TokenMeter:
    """A token count, its limit, and a part of it. A bar is drawn only if there is a limit.

    `is_reached` says that the run stopped at the limit, even if the limit was not sent.
    """

    label: str
    tokens: int | None
    limit_name: str
    limit: int | None
    part_label: str
    part: int | None
    is_reached: bool = False

    @property
    def percent(self) -> float | None:
        """The share of the limit in percent, at most 100."""
        if not self.limit or self.limit < 0 or self.tokens is None:
            return None
        return round(min(100.0, max(0.0, 100 * self.tokens / self.limit)), 2)

    @property
    def remaining(self) -> str:
        """The remaining share of the limit, formatted, or ""."""
        if self.percent is None or self.limit is None or self.tokens is None or self.tokens > self.limit:
            return ""
        return formats.format_percent(self.limit - self.tokens, self.limit)

    @property
    def note(self) -> str:
        """The part, and what is known of the limit: "6,144 cached · 12.4 % left"."""
        part = "" if self.part is None else f"{self.part:,} {self.part_label}"
        return " · ".join(filter(None, (part, self._limit_note)))

    @property
    def _limit_note(self) -> str:
        if self.is_over_limit:
            return "over the limit"
        if self.is_reached:
            return "limit reached" if self.limit is not None else "limit reached, but not sent"
        if self.remaining:
            return f"{self.remaining} left"
        return "no limit" if self.limit is None else ""

    @property
    def is_over_limit(self) -> bool:
        """Return whether the count exceeds the limit."""
        return self.limit is not None and self.tokens is not None and self.tokens > self.limit


@dataclass(frozen=True, slots=True)
class StepUsage:
    """The tokens of a step. Widths are SVG lengths relative to the largest step. `cost` is "" if it is unknown."""

    step: RunPageStep
    url: str
    prompt_width: str
    completion_width: str
    cost: str


@dataclass
class UsageSection:
    """The usage of `run`. `is_full` draws all steps."""

    run: Run
    posted: PostedObject
    steps: RunSteps
    timeline: Timeline
    cost: RunCost
    is_full: bool = False

    @property
    def presence(self) -> FieldPresence:
        """Return whether `usage` was sent."""
        return self.posted.presence("usage")

    @property
    def meters(self) -> list[TokenMeter]:
        """The meters of prompt and completion tokens."""
        run, reason = self.run, parse_incomplete_reason(self.posted)
        prompt, completion = (as_integer(self.posted.value(name)) for name in TOKEN_LIMITS)
        prompt_limit, completion_limit = TOKEN_LIMITS
        return [
            TokenMeter(
                *("Prompt tokens", run.prompt_tokens, prompt_limit, prompt, "cached", run.cached_tokens),
                is_reached=reason == prompt_limit,
            ),
            TokenMeter(
                *("Completion tokens", run.completion_tokens, completion_limit, completion),
                *("reasoning", run.reasoning_tokens),
                is_reached=reason == completion_limit,
            ),
        ]

    @property
    def is_total_consistent(self) -> bool:
        """Return whether the total is the sum of both counts, as far as all three were sent."""
        prompt, completion, total = self.run.prompt_tokens, self.run.completion_tokens, self.run.total_tokens
        return prompt is None or completion is None or total is None or prompt + completion == total

    @property
    def as_received(self) -> TruncatedText | None:
        """The posted object, if it has members that are not specified."""
        value = self.posted.object_value("usage")
        return truncate_json(value) if set(value) - _SPECIFIED_MEMBERS else None

    @cached_property
    def _steps_with_usage(self) -> list[tuple[int, RunStep]]:
        return [(number, record) for number, record in self.steps.listed if _count_tokens(record)]

    @property
    def hidden_step_count(self) -> int:
        """The number of steps with usage that are not drawn, and of steps that are not listed."""
        return max(0, len(self._steps_with_usage) - self._max_drawn) + self.steps.unlisted_count

    @property
    def _max_drawn(self) -> int:
        return MAX_STEP_COUNT if self.is_full else INITIAL_STEP_COUNT

    @property
    def by_step(self) -> list[StepUsage]:
        """The steps with usage that are drawn."""
        largest = max((_count_tokens(record) for _, record in self._steps_with_usage), default=0)
        return [
            self._build_row(RunPageStep(record, number, []), largest)
            for number, record in self._steps_with_usage[: self._max_drawn]
        ]

    def _build_row(self, step: RunPageStep, largest: int) -> StepUsage:
        return StepUsage(
            step=step,
            url=self.timeline.step_url(step),
            prompt_width=svg_percent(100 * (step.record.prompt_tokens or 0) / largest),
            completion_width=svg_percent(100 * (step.record.completion_tokens or 0) / largest),
            cost=self.cost.format_step_cost(step),
        )


def _count_tokens(record: RunStep) -> int:
    return (record.prompt_tokens or 0) + (record.completion_tokens or 0)
