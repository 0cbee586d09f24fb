"""Estimates equal sums calculated by hand, and the price table equals its package."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version

import pytest
from genai_prices import Usage, calc_price

from runs.enrichment.pricing import PRICE_TABLE_PATH, find_price, load_price_source, refresh

DAY = date(2026, 11, 1)


@pytest.mark.parametrize(
    ("model", "prompt", "completion", "cached", "dollars"),
    [
        # (14,212 - 6,144) * 2.50 + 6,144 * 1.25 + 1,102 * 10.00 = 20,170 + 7,680 + 11,020 = 38,870 millionths
        ("gpt-4o", 14_212, 1_102, 6_144, "0.03887"),
        ("gpt-4o-2024-08-06", 14_212, 1_102, 6_144, "0.03887"),
        ("GPT-4o", 14_212, 1_102, 6_144, "0.03887"),
        # 14,212 * 2.50 + 1,102 * 10.00 = 35,530 + 11,020
        ("gpt-4o", 14_212, 1_102, None, "0.04655"),
        # 120 * 0.15 + 30 * 0.60 = 18 + 18
        ("gpt-4o-mini", 120, 30, 0, "0.000036"),
        # no price for cached tokens: 1,000 * 30 + 100 * 60
        ("gpt-4", 1_000, 100, 400, "0.036"),
        # more cached than read can't be: all 100 are cached; 100 * 1.25
        ("gpt-4o", 100, 0, 500, "0.000125"),
        ("gpt-4o", 0, 0, 0, "0"),
        # 1,000,000 * 3.75 + 1,000,000 * 15
        ("ft:gpt-4o-2024-08-06:acme::x1", 10**6, 10**6, None, "18.75"),
        ("gpt-4o", 10**18, 0, 0, "2500000000000"),
    ],
)
def test_estimate_equals_manual_calculation(model, prompt, completion, cached, dollars):
    price = find_price(model, DAY)
    assert price is not None
    estimate = price.estimate(prompt, completion, cached)
    assert estimate is not None
    assert estimate.dollars == Decimal(dollars)


@pytest.mark.parametrize("model", [None, "", "returns-desk", "ft:gpt-4o:acme", "gpt-4o-custom", "qwen-max", "日本"])
def test_unlisted_model_has_no_price(model):
    assert find_price(model, DAY) is None


@pytest.mark.parametrize(("prompt", "completion", "cached"), [(None, 1, 0), (1, None, 0), (-1, 1, 0), (1, 1, -1)])
def test_estimate_needs_both_counts(prompt, completion, cached):
    price = find_price("gpt-4o", DAY)
    assert price is not None
    assert price.estimate(prompt, completion, cached) is None


def test_price_depends_on_date():
    before, after = find_price("o3", date(2025, 6, 9)), find_price("o3", date(2025, 6, 10))
    assert before is not None
    assert after is not None
    assert (before.input, after.input) == (Decimal(10), Decimal(2))


def test_table_matches_package():
    # `python -m runs.enrichment.pricing.refresh` rebuilds it
    assert json.loads(PRICE_TABLE_PATH.read_text())["models"] == refresh.build_price_table()
    assert load_price_source().version == version("genai-prices")


@pytest.mark.parametrize(
    "model", ["gpt-4o", "gpt-4o-mini-2024-07-18", "gpt-4-0125-preview", "o3", "gpt-4.1", "gpt-5-mini"]
)
def test_estimates_match_package(model):
    usage = Usage(input_tokens=14_212, cache_read_tokens=6_144, output_tokens=1_102)
    moment = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
    theirs = calc_price(usage, model, provider_id="openai", genai_request_timestamp=moment)
    price = find_price(model, DAY)
    assert price is not None
    estimate = price.estimate(14_212, 1_102, 6_144)
    assert estimate is not None
    assert estimate.dollars == theirs.total_price
