"""What a run may have cost, with the formula and where the prices come from."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from dashboard.ui import formats
from runs.enrichment import pricing
from runs.enrichment.pricing import CostEstimate, PriceSource, TokenPrice
from runs.models import Run

_TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass
class RunCost:
    """The estimate for `run`; `words` is "" where there is nothing to be reckoned."""

    run: Run

    @cached_property
    def price(self) -> TokenPrice | None:
        return pricing.find_price(self.run.model, self.run.created_at.date(), self.run.project.prices)

    @cached_property
    def estimate(self) -> CostEstimate | None:
        run = self.run
        return self.price.estimate(run.prompt_tokens, run.completion_tokens, run.cached_tokens) if self.price else None

    @property
    def words(self) -> str:
        return formats.format_dollars(self.estimate.dollars) if self.estimate else ""

    def of(self, prompt: int | None, completion: int | None, cached: int | None) -> str:
        """What so many tokens may have cost, in words; "" where nobody knows."""
        estimate = self.price.estimate(prompt, completion, cached) if self.price else None
        return formats.format_dollars(estimate.dollars) if estimate else ""

    @property
    def formula(self) -> str:
        """Each part with its price: `8,068 x $2.50/M + 6,144 cached x $1.25/M + 1,102 x $10.00/M`."""
        if self.estimate is None:
            return ""
        return " + ".join(
            f"{line.tokens:,}{' cached' if line.kind == 'cached' else ''} {_TIMES} {format_token_price(line.rate)}/M"
            for line in self.estimate.lines
        )

    @property
    def is_cached_full(self) -> bool:
        """Whether cached tokens were reckoned like any other, for want of a price of their own."""
        return self.price is not None and self.price.cached is None and bool(self.run.cached_tokens)

    @property
    def source(self) -> PriceSource:
        return pricing.load_price_source()


def format_token_price(price: Decimal) -> str:
    """A price, exactly, with two decimals at least."""
    shortest = f"{price.normalize():f}"
    return f"${price:.2f}" if len(shortest.partition(".")[2]) < 2 else f"${shortest}"
