"""`python -m runs.enrichment.pricing.refresh`: write the price table anew from the installed genai-prices.

For who develops Runglass: genai-prices is among the development dependencies alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ClauseEquals,
    ClauseOr,
    ClauseRegex,
    ClauseStartsWith,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
)

from runs.enrichment.pricing import PRICE_TABLE_PATH

PRICE_PACKAGE = "genai-prices"
PRICE_PROVIDER = "openai"  # whose names the protocol's servers use


def build_price_table() -> list[dict[str, Any]]:
    """Every model that is priced by its text tokens, in the package's order: the first that matches counts."""
    provider = next(each for each in get_snapshot().providers if each.id == PRICE_PROVIDER)
    return [found for model in provider.models if (found := _model(model)) is not None]


def _model(model: ModelInfo) -> dict[str, Any] | None:
    periods = model.prices if isinstance(model.prices, list) else None
    prices = [_rates(model.prices)] if isinstance(model.prices, ModelPrice) else []
    for period in periods or ():
        starts = period.constraint.start_date if isinstance(period.constraint, StartDateConstraint) else None
        rates = _rates(period.prices)
        prices.append(rates | {"from": starts.isoformat()} if starts and rates else rates)
    names = list(_names(model.match))
    if not prices or None in prices or not names:
        return None
    kinds = {"names": ClauseEquals, "beginnings": ClauseStartsWith, "patterns": ClauseRegex}
    found = {kind: [text for of, text in names if of is clause] for kind, clause in kinds.items()}
    return {"id": model.id, "names": found.pop("names"), **{k: v for k, v in found.items() if v}, "prices": prices}


def _names(clause: Any) -> Iterator[tuple[type, str]]:
    """What a model goes by; clauses that only say what is contained somewhere are too broad for an estimate."""
    match clause:
        case ClauseOr():
            for each in clause.or_:
                yield from _names(each)
        case ClauseEquals():
            yield ClauseEquals, clause.equals.lower()
        case ClauseStartsWith():
            yield ClauseStartsWith, clause.starts_with.lower()
        case ClauseRegex():
            yield ClauseRegex, str(getattr(clause.regex, "pattern", clause.regex))


def _rates(price: ModelPrice) -> dict[str, Any] | None:
    """Input, output and cached in dollars for a million; None for a model that is not priced so."""
    spelled = {"input": price.input_mtok, "output": price.output_mtok, "cached": price.cache_read_mtok}
    if spelled["input"] is None or spelled["output"] is None:
        return None
    rates: dict[str, Any] = {
        kind: str(rate.base if isinstance(rate, TieredPrices) else rate)
        for kind, rate in spelled.items()
        if rate is not None
    }
    is_tiered = any(isinstance(rate, TieredPrices) for rate in spelled.values())
    return rates | {"tiered": True} if is_tiered else rates


def write_price_table() -> None:
    """Write the table."""
    head = {
        "package": PRICE_PACKAGE,
        "version": version(PRICE_PACKAGE),
        "read_on": datetime.now(UTC).date().isoformat(),
    }
    lines = ",\n".join("  " + json.dumps(model) for model in build_price_table())
    PRICE_TABLE_PATH.write_text(f'{json.dumps(head)[:-1]}, "models": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    write_price_table()
