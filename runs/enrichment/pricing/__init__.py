"""What a run cost, estimated from its tokens by the prices that its model is listed at, or that the team set.

The table beside this module is read out of the package genai-prices by `refresh`; the package itself takes 41 MB
of each process when it is loaded, the table some kilobytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

PRICE_TABLE_PATH = Path(__file__).parent / "prices.json"
_MILLION = Decimal(1_000_000)
# Costs are stored as whole nano-dollars (1e-9 $). Prices have three decimals for a million tokens at the most, so
# a token's price is a whole number of them, and sums are exact.
NANO_PER_DOLLAR = 1_000_000_000
_NANO_PER_TOKEN = NANO_PER_DOLLAR // 1_000_000
_MAX_BIGINT = 2**63 - 1

# Prices of a project's own: by the model's name as posted, dollars for a million tokens as text, of `input`,
# `output` and perhaps `cached`.
PriceOverrides = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class PriceSource:
    """Where prices come from: the package with its version, and the day on which its table was read."""

    package: str
    version: str
    read_on: date


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """Dollars for a million tokens. `listed` is the model's name in the table.

    `cached` None: cached tokens cost what any other does. `is_tiered`: a single long request costs more, and of
    a run only the sum of its requests is known. `is_own`: the team set it.
    """

    listed: str
    input: Decimal
    output: Decimal
    cached: Decimal | None
    is_tiered: bool
    is_own: bool = False

    def estimate(self, prompt: int | None, completion: int | None, cached: int | None = None) -> CostEstimate | None:
        """The cost of so many tokens; `cached` are among those of the prompt. None where a count is missing."""
        if prompt is None or completion is None or min(prompt, completion, cached or 0) < 0:
            return None
        apart = min(cached or 0, prompt) if self.cached is not None else 0
        lines = [CostLine("input", prompt - apart, self.input)]
        if apart and self.cached is not None:
            lines.append(CostLine("cached", apart, self.cached))
        return CostEstimate(self, (*lines, CostLine("output", completion, self.output)))


@dataclass(frozen=True, slots=True)
class CostLine:
    """A part of an estimate. `kind`: input, cached or output; `rate` in dollars for a million."""

    kind: str
    tokens: int
    rate: Decimal

    @property
    def dollars(self) -> Decimal:
        return self.tokens * self.rate / _MILLION


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What a run may have cost, and how that was reckoned."""

    price: TokenPrice
    lines: tuple[CostLine, ...]

    @property
    def dollars(self) -> Decimal:
        return sum((line.dollars for line in self.lines), Decimal(0))


def find_price(model: str | None, on: date, own: PriceOverrides | None = None) -> TokenPrice | None:
    """The price of `model` on that day; None for a model that is not listed, such as a deployment's own name.

    `own` prices of the project come before listed ones, and hold on every day.
    """
    if model and own and model in own:
        return _build_price(model, own[model], is_own=True)
    return _listed_price(model, on) if model else None


def estimate_nano_cost(
    model: str | None, on: date, prompt: int | None, completion: int | None, cached: int | None, own: PriceOverrides
) -> int | None:
    """The same estimate in whole nano-dollars, for storing; None where there is none, or it is no bigint."""
    if prompt is None or completion is None or min(prompt, completion, cached or 0) < 0 or not model:
        return None
    rates = _nano_rates(_build_price(model, own[model])) if model in own else _listed_nano_rates(model, on)
    if rates is None:
        return None
    apart = min(cached or 0, prompt)
    dollars = (prompt - apart) * rates[0] + apart * rates[1] + completion * rates[2]
    return dollars if dollars <= _MAX_BIGINT else None


def prices_fingerprint(own: PriceOverrides) -> str:
    """Changes whenever a price does: of the table, or of the project's own."""
    return hashlib.sha256(PRICE_TABLE_PATH.read_bytes() + json.dumps(own, sort_keys=True).encode()).hexdigest()[:16]


@lru_cache(maxsize=4096)
def _listed_price(model: str, on: date) -> TokenPrice | None:
    found = _find_listed_model(model)
    if found is None:
        return None
    rates = next((rates for rates in reversed(found["prices"]) if _is_valid(rates, on)), found["prices"][0])
    return _build_price(found["id"], rates)


def _build_price(listed: str, rates: Mapping[str, Any], *, is_own: bool = False) -> TokenPrice:
    cached = rates.get("cached")
    return TokenPrice(
        listed,
        Decimal(rates["input"]),
        Decimal(rates["output"]),
        None if cached is None else Decimal(cached),
        bool(rates.get("tiered")),
        is_own,
    )


@lru_cache(maxsize=4096)
def _listed_nano_rates(model: str, on: date) -> tuple[int, int, int] | None:
    price = _listed_price(model, on)
    return _nano_rates(price) if price else None


def _nano_rates(price: TokenPrice) -> tuple[int, int, int]:
    """Nano-dollars for a token of input, cached input and output."""
    cached = price.input if price.cached is None else price.cached
    return tuple(int(rate * _NANO_PER_TOKEN) for rate in (price.input, cached, price.output))  # type: ignore[return-value]


def load_price_source() -> PriceSource:
    """Where the prices come from."""
    table = _load_table()
    return PriceSource(table["package"], table["version"], date.fromisoformat(table["read_on"]))


@cache
def _load_table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(PRICE_TABLE_PATH.read_text())
    return table


def _find_listed_model(model: str) -> dict[str, Any] | None:
    """The first model of the table that goes by that name, as the package would find it."""
    name = model.lower()
    return next((each for each in _load_table()["models"] if _matches_name(each, name)), None)


def _matches_name(listed: dict[str, Any], name: str) -> bool:
    return (
        name in listed["names"]
        or name.startswith(tuple(listed.get("beginnings", ())))
        or any(re.fullmatch(pattern, name) for pattern in listed.get("patterns", ()))
    )


def _is_valid(rates: dict[str, Any], on: date) -> bool:
    return "from" not in rates or date.fromisoformat(rates["from"]) <= on
