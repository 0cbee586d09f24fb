"""How groups are called."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.ui import formats
from runs.analytics.usage import UsageSplit

TOKEN_KIND_LABELS = {
    "prompt": "Prompt",
    "cached": "Prompt, cached",
    "completion": "Completion",
    "reasoning": "Completion, reasoning",
    "other": "Neither",
}


def usage_group_label(split: UsageSplit, key: str | None, names: Mapping[str, str]) -> str:
    """A group's name; `names` are those of assistants."""
    if key is None:
        return "(no model)" if split.name == "model" else "(no value)"
    match split.name:
        case "assistant":
            return names.get(key, key)
        case "status":
            return formats.format_status(key)
        case "kind":
            return TOKEN_KIND_LABELS[key]
    return key or "(empty)"
