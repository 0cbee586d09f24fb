"""The estimated cost of a run: its tokens times the list price of its model, or the price that the team set.

The price table beside this module is built by `refresh` from the package genai-prices. The package itself would take
41 MB in each process, the table some kilobytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

PRICE_TABLE_PATH = Path(__file__).parent / "prices.json"
_MILLION = Decimal(1_000_000)
# Costs are stored in nano-dollars (1e-9 $). Prices per million tokens have at most three decimals, so the price of a
# token is an integer, and sums are exact.
NANO_PER_DOLLAR = 1_000_000_000
_NANO_PER_TOKEN = NANO_PER_DOLLAR // 1_000_000
_MAX_BIGINT = 2**63 - 1

# The prices that a project has set, by the posted name of the model: dollars per million tokens, as text, for
# `input`, `output` and optionally `cached`.
PriceOverrides = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class PriceSource:
    """The package that list prices come from, and the date on which the table was built."""

    package: str
    version: str
    read_on: date


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """The price of a model in dollars per million tokens.

    `listed` is the model's name in the table. If `cached` is None, cached tokens cost as much as others. If
    `is_tiered`, long requests cost more; a run only reports the sum of its requests, so that is not estimated.
    `is_override` marks a price that the project has set.
    """

    listed: str
    input: Decimal
    output: Decimal
    cached: Decimal | None
    is_tiered: bool
    is_override: bool = False

    def estimate(self, prompt: int | None, completion: int | None, cached: int | None = None) -> CostEstimate | None:
        """Return the cost of these tokens, None if a count is missing. `prompt` includes the `cached` ones."""
        if prompt is None or completion is None or min(prompt, completion, cached or 0) < 0:
            return None
        cached_count = min(cached or 0, prompt) if self.cached is not None else 0
        lines = [CostLine("input", prompt - cached_count, self.input)]
        if cached_count and self.cached is not None:
            lines.append(CostLine("cached", cached_count, self.cached))
        return CostEstimate(self, (*lines, CostLine("output", completion, self.output)))


@dataclass(frozen=True, slots=True)
class CostLine:
    """A part of an estimate. `kind` is input, cached or output; `rate` is in dollars per million tokens."""

    kind: str
    tokens: int
    rate: Decimal

    @property
    def dollars(self) -> Decimal:
        """The cost in dollars."""
        return self.tokens * self.rate / _MILLION


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """The estimated cost of a run, with its parts."""

    price: TokenPrice
    lines: tuple[CostLine, ...]

    @property
    def dollars(self) -> Decimal:
        """The total cost in dollars."""
        return sum((line.dollars for line in self.lines), Decimal(0))


def find_price(model: str | None, on: date, overrides: PriceOverrides | None = None) -> TokenPrice | None:
    """Return the price of `model` on a date, None for an unlisted model, such as the name of a deployment.

    The project's `overrides` take precedence over list prices, and apply to every date.
    """
    if model and overrides and model in overrides:
        return replace(_build_price(model, overrides[model]), is_override=True)
    return _find_listed_price(model, on) if model else None


def estimate_nano_cost(
    model: str | None,
    on: date,
    prompt: int | None,
    completion: int | None,
    cached: int | None,
    overrides: PriceOverrides,
) -> int | None:
    """Return the same estimate in nano-dollars, None if there is none or it is not a bigint."""
    if prompt is None or completion is None or min(prompt, completion, cached or 0) < 0 or not model:
        return None
    rates = _to_nano_rates(_build_price(model, overrides[model])) if model in overrides else _listed_rates(model, on)
    if rates is None:
        return None
    cached_count = min(cached or 0, prompt)
    cost = (prompt - cached_count) * rates[0] + cached_count * rates[1] + completion * rates[2]
    return cost if cost <= _MAX_BIGINT else None


def prices_fingerprint(overrides: PriceOverrides) -> str:
    """Return a text that changes whenever a list price or an override changes."""
    return hashlib.sha256(PRICE_TABLE_PATH.read_bytes() + json.dumps(overrides, sort_keys=True).encode()).hexdigest()[
        :16
    ]


def load_price_source() -> PriceSource:
    """Return the source of the list prices."""
    table = _load_table()
    return PriceSource(table["package"], table["version"], date.fromisoformat(table["read_on"]))


@cache
def _load_table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(PRICE_TABLE_PATH.read_text())
    return table


@lru_cache(maxsize=4096)
def _find_listed_price(model: str, on: date) -> TokenPrice | None:
    name = model.lower()
    listed = next((entry for entry in _load_table()["models"] if _matches_name(entry, name)), None)
    if listed is None:
        return None
    # in order of their start
    valid = (
        rates for rates in reversed(listed["prices"]) if "from" not in rates or date.fromisoformat(rates["from"]) <= on
    )
    return _build_price(listed["id"], next(valid, listed["prices"][0]))


def _matches_name(entry: dict[str, Any], name: str) -> bool:
    """Return whether an entry of the table has that name, by the rules of the package."""
    return (
        name in entry["names"]
        or name.startswith(tuple(entry.get("beginnings", ())))
        or any(re.fullmatch(pattern, name) for pattern in entry.get("patterns", ()))
    )


def _build_price(listed: str, rates: Mapping[str, Any]) -> TokenPrice:
    cached = rates.get("cached")
    return TokenPrice(
        listed,
        Decimal(rates["input"]),
        Decimal(rates["output"]),
        None if cached is None else Decimal(cached),
        bool(rates.get("tiered")),
    )


@lru_cache(maxsize=4096)
def _listed_rates(model: str, on: date) -> tuple[int, int, int] | None:
    price = _find_listed_price(model, on)
    return _to_nano_rates(price) if price else None


def _to_nano_rates(price: TokenPrice) -> tuple[int, int, int]:
    """Return the nano-dollars per token of input, cached input and output."""
    cached = price.input if price.cached is None else price.cached
    return tuple(int(rate * _NANO_PER_TOKEN) for rate in (price.input, cached, price.output))  # type: ignore[return-value]
