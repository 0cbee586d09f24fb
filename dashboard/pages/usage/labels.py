"""The labels of measures and groups on the usage page, and how values of a measure are read and formatted."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dashboard.ui import formats
from runs.analytics.usage import UsageSplit, UsageSums

MEASURE_LABELS = {"tokens": "Tokens", "cost": "Cost, est.", "runs": "Runs"}
MEASURE_GETTERS: dict[str, Callable[[UsageSums], int]] = {
    "tokens": lambda sums: sums.total_tokens,
    "cost": lambda sums: sums.cost,
    "runs": lambda sums: sums.runs,
}
MEASURE_FORMATTERS: dict[str, Callable[[int], str]] = {
    "tokens": formats.format_tokens,
    "cost": formats.format_cost,
    "runs": formats.format_integer,
}
TOKEN_KIND_LABELS = {
    "prompt": "Prompt",
    "cached": "Prompt, cached",
    "completion": "Completion",
    "reasoning": "Completion, reasoning",
    "other": "Other",
}


def usage_group_label(split: UsageSplit, key: str | None, assistant_names: Mapping[str, str]) -> str:
    """Return the label of the group with this key. None is the group of runs without a value."""
    if key is None:
        return "(no model)" if split.name == "model" else "(no value)"
    match split.name:
        case "assistant":
            return assistant_names.get(key, key)
        case "status":
            return formats.format_status(key)
        case "kind":
            return TOKEN_KIND_LABELS[key]
    return key or "(empty)"
