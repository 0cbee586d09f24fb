"""The usage of a turn: the sum over its responses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# What servers charge, in their own units: OpenRouter in dollars, xAI in ticks.
_COST_NAMES = ("cost", "cost_in_usd_ticks")


def convert_usage(usage: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the usage of a response in the form of the Assistants protocol."""
    if not usage:
        return None
    prompt, completion = usage.get("input_tokens"), usage.get("output_tokens")
    total = usage.get("total_tokens")
    if total is None and (prompt is not None or completion is not None):
        total = (prompt or 0) + (completion or 0)
    converted: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
    cached = (usage.get("input_tokens_details") or {}).get("cached_tokens")
    reasoning = (usage.get("output_tokens_details") or {}).get("reasoning_tokens")
    if cached is not None:
        converted["prompt_token_details"] = {"cached_tokens": cached}
    if reasoning is not None:
        converted["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    return converted


def sum_usage(usages: Iterable[dict[str, Any] | None]) -> dict[str, Any] | None:
    """Return the sum in the form of the Assistants protocol, None if there is no usage at all."""
    total: dict[str, Any] | None = None
    for usage in map(convert_usage, usages):
        total = usage if total is None or (usage is None and total is None) else _add(total, usage or {})
    return total


def sum_reported_costs(usages: Iterable[dict[str, Any] | None]) -> dict[str, Any]:
    """Return the sums of the costs that servers report, by the name that they use."""
    sums: dict[str, Any] = {}
    for usage in usages:
        for name in _COST_NAMES:
            cost = (usage or {}).get(name)
            if isinstance(cost, int | float) and not isinstance(cost, bool):
                sums[name] = sums.get(name, 0) + cost
    return sums


def _add(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    total = dict(left)
    for name, value in right.items():
        if isinstance(value, dict):
            total[name] = _add(total.get(name) or {}, value)
        elif value is not None:
            total[name] = (total.get(name) or 0) + value
    return total
