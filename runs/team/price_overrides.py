"""Prices that a team sets for models without a list price, or in place of the list price."""

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
# Dollars per million tokens. The last decimal is a nano-dollar per token, the unit in which costs are stored.
_RATE_PATTERN = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,3})?")


def set_price_override(project: Project, model: str, rates: Mapping[str, str]) -> None:
    """Set the price of `model` in dollars per million tokens. An empty `cached` rate equals the input rate.

    Stored costs are updated by the backfill. Raises InvalidPrice with one problem for each invalid value.
    """
    rates = {name: rates.get(name, "").strip() for name in PRICE_RATES}
    problems = []
    if not 0 < len(model) <= MAX_MODEL_NAME_LENGTH or clean_text(model) != model:
        problems.append(Problem("model", f"expected a model name of at most {MAX_MODEL_NAME_LENGTH} characters"))
    for name, text in rates.items():
        if not _RATE_PATTERN.fullmatch(text) and not (name == "cached" and not text):
            problems.append(Problem(name, "expected dollars such as 2.50, with at most three decimals"))
    if problems:
        raise InvalidPrice("; ".join(f"{problem.path}: {problem.message}" for problem in problems), problems)
    price = {name: f"{Decimal(text).normalize():f}" for name, text in rates.items() if text}
    with transaction.atomic():
        prices = Project.objects.get_locked(project).prices
        if model not in prices and len(prices) >= MAX_PRICE_OVERRIDES:
            message = f"a project can set at most {MAX_PRICE_OVERRIDES} prices"
            raise InvalidPrice(message, [Problem("model", message)])
        _save_prices(project, prices | {model: price})


def delete_price_override(project: Project, model: str) -> bool:
    """Delete the price set for `model`, so that its list price applies. Return whether there was one."""
    with transaction.atomic():
        prices = Project.objects.get_locked(project).prices
        _save_prices(project, {name: price for name, price in prices.items() if name != model})
    return model in prices


def _save_prices(project: Project, prices: dict[str, dict[str, str]]) -> None:
    project.prices = prices
    project.save(update_fields=["prices"])
