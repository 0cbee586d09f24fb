"""The differences between two lists of tools. Functions are matched by name, definitions compared by JSON pointer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from dashboard.ui import truncated_text
from dashboard.ui.json_diff import MISSING, diff_json
from dashboard.ui.posted_object import as_mapping, as_text
from dashboard.ui.truncated_text import TruncatedText
from runs.protocol.fields import truncate_indexed
from runs.protocol.lossless_json import is_equal_value

MAX_CHANGES_PER_TOOL = 60
MAX_POINTER_LENGTH = 1_000  # characters
MAX_COUNTED_CHANGES = 1_000  # of a tool
MAX_LISTED_TOOLS = 100  # added, removed and changed ones, each

# The type and the name of a tool, and a number that tells apart the tools that share both.
ToolDiffKey = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class ToolFieldChange:
    """A JSON pointer at which two definitions differ. A side is None if it has no value there."""

    pointer: str
    left: TruncatedText | None
    right: TruncatedText | None

    @property
    def kind(self) -> str:
        """One of "added", "removed" and "changed"."""
        if self.left is None:
            return "added"
        return "removed" if self.right is None else "changed"


@dataclass(frozen=True, slots=True)
class ToolChange:
    """A tool whose definition changed. `hidden_count` is the number of changes that are not listed."""

    type: str
    name: str
    changes: tuple[ToolFieldChange, ...]
    hidden_count: int


@dataclass(frozen=True, slots=True)
class ToolsDiff:
    """The names of added and removed tools, the changed tools, and the number of unchanged ones.

    `unlisted_count` is the number of changed tools that are not listed.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[ToolChange, ...]
    unchanged_count: int
    unlisted_count: int = 0

    def __bool__(self) -> bool:
        """Return whether the two lists differ."""
        return bool(self.added or self.removed or self.changed)


def diff_tools(left: list[Any], right: list[Any]) -> ToolsDiff:
    """Compare two values of `tools`. Their order does not matter."""
    old, new = _index_tools(left), _index_tools(right)
    shared = [key for key in old if key in new]
    changed_keys = [key for key in shared if not is_equal_value(old[key], new[key])]
    changed = [_diff_tool(key, old[key], new[key]) for key in changed_keys[:MAX_LISTED_TOOLS]]
    return ToolsDiff(
        added=_labels(new, old),
        removed=_labels(old, new),
        changed=tuple(changed),
        unchanged_count=len(shared) - len(changed_keys),
        unlisted_count=len(changed_keys) - len(changed),
    )


def _labels(tools: Iterable[ToolDiffKey], others: dict[ToolDiffKey, Any]) -> tuple[str, ...]:
    names = [truncate_indexed(key[1] or key[0]) for key in tools if key not in others]
    hidden_count = len(names) - MAX_LISTED_TOOLS
    return tuple(names if hidden_count <= 0 else [*names[:MAX_LISTED_TOOLS], f"and {hidden_count:,} more"])


def _index_tools(tools: Iterable[Any]) -> dict[ToolDiffKey, Any]:
    seen: Counter[tuple[str, str]] = Counter()
    indexed = {}
    for tool in tools:
        posted = as_mapping(tool)
        kind = as_text(posted.get("type")) or "(no type)"
        name = posted.get("server_label") if kind == "mcp" else as_mapping(posted.get("function")).get("name")
        identity = kind, as_text(name) or ""
        indexed[*identity, seen[identity]] = tool
        seen[identity] += 1
    return indexed


def _diff_tool(key: ToolDiffKey, left: Any, right: Any) -> ToolChange:
    differences = list(islice(diff_json(left, right), MAX_COUNTED_CHANGES))
    changes = tuple(
        ToolFieldChange(
            pointer[:MAX_POINTER_LENGTH],
            None if old is MISSING else truncated_text.truncate_json(old),
            None if new is MISSING else truncated_text.truncate_json(new),
        )
        for pointer, old, new in differences[:MAX_CHANGES_PER_TOOL]
    )
    return ToolChange(truncate_indexed(key[0]), truncate_indexed(key[1]), changes, len(differences) - len(changes))
