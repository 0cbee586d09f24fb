"""What changed between two sets of tools: functions by their name, their schemas by JSON pointer. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dashboard.ui import truncated_text
from dashboard.ui.json_diff import MISSING, diff_json
from dashboard.ui.posted_object import as_mapping, as_text
from dashboard.ui.truncated_text import TruncatedText
from runs.protocol.lossless_json import is_equal_value

MAX_CHANGES_PER_TOOL = 60


@dataclass(frozen=True, slots=True)
class ToolFieldChange:
    """One place at which two definitions differ; None where there is nothing on that side."""

    pointer: str
    left: TruncatedText | None
    right: TruncatedText | None

    @property
    def kind(self) -> str:
        if self.left is None:
            return "added"
        return "removed" if self.right is None else "changed"


@dataclass(frozen=True, slots=True)
class ToolChange:
    """A tool that both have, not alike. `cut` counts changes beyond those that are listed."""

    type: str
    name: str
    changes: tuple[ToolFieldChange, ...]
    cut: int


@dataclass(frozen=True, slots=True)
class ToolsDiff:
    """Names of the tools that one side alone has, and what became of the others."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[ToolChange, ...]
    same: int

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def diff_tools(left: list[Any], right: list[Any]) -> ToolsDiff:
    """From `left` to `right`, two values of `tools`. In another order they are the same."""
    old, new = _keyed(left), _keyed(right)
    shared = [key for key in old if key in new]
    compared = [_changes(key, old[key], new[key]) for key in shared if not is_equal_value(old[key], new[key])]
    return ToolsDiff(
        tuple(_label(key) for key in new if key not in old),
        tuple(_label(key) for key in old if key not in new),
        tuple(compared),
        len(shared) - len(compared),
    )


ToolKey = tuple[str, str, int]


def _keyed(tools: Iterable[Any]) -> dict[ToolKey, Any]:
    """The tools by kind and name; the number tells apart those that have both in common."""
    seen: Counter[tuple[str, str]] = Counter()
    keyed = {}
    for tool in tools:
        kind, name = _identity(as_mapping(tool))
        keyed[kind, name, seen[kind, name]] = tool
        seen[kind, name] += 1
    return keyed


def _identity(tool: dict[str, Any]) -> tuple[str, str]:
    kind = as_text(tool.get("type")) or "(no type)"
    name = tool.get("server_label") if kind == "mcp" else as_mapping(tool.get("function")).get("name")
    return kind, as_text(name) or ""


def _label(key: ToolKey) -> str:
    return key[1] or key[0]


def _changes(key: ToolKey, left: Any, right: Any) -> ToolChange:
    found = list(diff_json(left, right))
    shown = tuple(
        ToolFieldChange(pointer, _shown(old), _shown(new)) for pointer, old, new in found[:MAX_CHANGES_PER_TOOL]
    )
    return ToolChange(key[0], key[1], shown, len(found) - len(shown))


def _shown(value: Any) -> TruncatedText | None:
    if value is MISSING:
        return None
    return truncated_text.truncate_json(value)
