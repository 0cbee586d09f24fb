"""Prices that a team sets for models that are not listed, or whose price is another for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from django.db import transaction

from runs.errors import InvalidPrice, Problem
from runs.models import Project
from runs.protocol.lossless_json import clean_text

PRICE_RATES = ("input", "output", "cached")
MAX_PRICE_OVERRIDES = 200
MAX_MODEL_NAME_LENGTH = 256
# A thousandth of a dollar for a million tokens is a nano-dollar for one, in which costs are stored.
_RATE_PATTERN = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,3})?")


def set_price_override(project: Project, model: str, rates: Mapping[str, str]) -> None:
    """Have `model` cost that, in dollars for a million tokens; `cached` may be "", which is as input.

    Raises InvalidPrice, a problem each. Costs that are stored follow with the upkeep.
    """
    problems = [Problem(name, reason) for name, text in _given(model, rates) if (reason := _wrong(name, text))]
    if problems:
        raise InvalidPrice("; ".join(f"{each.path}: {each.message}" for each in problems), problems)
    price = {name: _written(rates[name]) for name in PRICE_RATES if rates.get(name, "").strip()}
    with transaction.atomic():
        prices = Project.objects.locked(project).prices
        if model not in prices and len(prices) >= MAX_PRICE_OVERRIDES:
            full = f"there are {MAX_PRICE_OVERRIDES} prices already, which is all that can be"
            raise InvalidPrice(full, [Problem("model", full)])
        _store(project, prices | {model: price})


def delete_price_override(project: Project, model: str) -> bool:
    """Go back to the listed price of `model`, if any; whether there was one of the team's."""
    with transaction.atomic():
        prices = Project.objects.locked(project).prices
        _store(project, {name: price for name, price in prices.items() if name != model})
    return model in prices


def _store(project: Project, prices: dict[str, dict[str, str]]) -> None:
    project.prices = prices
    project.save(update_fields=["prices"])


def _given(model: str, rates: Mapping[str, str]) -> list[tuple[str, str]]:
    return [("model", model), *((name, rates.get(name, "").strip()) for name in PRICE_RATES)]


def _wrong(name: str, text: str) -> str:
    if name == "model":
        fits = 0 < len(text) <= MAX_MODEL_NAME_LENGTH and clean_text(text) == text
        return "" if fits else f"expected the name of a model, of {MAX_MODEL_NAME_LENGTH} characters at most"
    if not text and name == "cached":
        return ""
    return "" if _RATE_PATTERN.fullmatch(text) else "expected dollars such as 2.50, with three decimals at most"


def _written(text: str) -> str:
    """The same number in its shortest form."""
    return f"{Decimal(text.strip()).normalize():f}"
