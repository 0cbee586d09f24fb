"""Rebuild the price table from the installed genai-prices: `python -m runs.enrichment.pricing.refresh`.

genai-prices is a development dependency.
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
PRICE_PROVIDER = "openai"  # servers of the protocol use its names of models
_CLAUSES = {"names": ClauseEquals, "beginnings": ClauseStartsWith, "patterns": ClauseRegex}


def build_price_table() -> list[dict[str, Any]]:
    """Return all models with prices for text tokens, in the order of the package: the first match counts."""
    provider = next(provider for provider in get_snapshot().providers if provider.id == PRICE_PROVIDER)
    return [entry for model in provider.models if (entry := _build_entry(model)) is not None]


def _build_entry(model: ModelInfo) -> dict[str, Any] | None:
    periods = model.prices if isinstance(model.prices, list) else None
    prices = [_build_rates(model.prices)] if isinstance(model.prices, ModelPrice) else []
    for period in periods or ():
        start = period.constraint.start_date if isinstance(period.constraint, StartDateConstraint) else None
        rates = _build_rates(period.prices)
        prices.append(rates | {"from": start.isoformat()} if start and rates else rates)
    names = list(_find_names(model.match))
    if not prices or None in prices or not names:
        return None
    by_clause = {key: [text for clause, text in names if clause is expected] for key, expected in _CLAUSES.items()}
    optional = {key: texts for key, texts in by_clause.items() if texts and key != "names"}
    return {"id": model.id, "names": by_clause["names"], **optional, "prices": prices}


def _find_names(clause: Any) -> Iterator[tuple[type, str]]:
    """Yield the names of a model. Clauses that match a part of a name are too broad for an estimate."""
    match clause:
        case ClauseOr():
            for alternative in clause.or_:
                yield from _find_names(alternative)
        case ClauseEquals():
            yield ClauseEquals, clause.equals.lower()
        case ClauseStartsWith():
            yield ClauseStartsWith, clause.starts_with.lower()
        case ClauseRegex():
            yield ClauseRegex, str(getattr(clause.regex, "pattern", clause.regex))


def _build_rates(price: ModelPrice) -> dict[str, Any] | None:
    """Return the rates in dollars per million tokens, None if the model has no prices per token."""
    rates = {"input": price.input_mtok, "output": price.output_mtok, "cached": price.cache_read_mtok}
    if rates["input"] is None or rates["output"] is None:
        return None
    entry: dict[str, Any] = {
        kind: str(rate.base if isinstance(rate, TieredPrices) else rate)
        for kind, rate in rates.items()
        if rate is not None
    }
    is_tiered = any(isinstance(rate, TieredPrices) for rate in rates.values())
    return entry | {"tiered": True} if is_tiered else entry


def write_price_table() -> None:
    """Write the price table."""
    header = {
        "package": PRICE_PACKAGE,
        "version": version(PRICE_PACKAGE),
        "read_on": datetime.now(UTC).date().isoformat(),
    }
    lines = ",\n".join("  " + json.dumps(entry) for entry in build_price_table())
    PRICE_TABLE_PATH.write_text(f'{json.dumps(header)[:-1]}, "models": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    write_price_table()
