"""The posted object as a tree that folds, every number as it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard import json_values
from runs.protocol import configuration, run
from runs.protocol.text import clean, join

MODELLED = frozenset({"object", *(field.name for field in run.KNOWN), *configuration.TYPES})
# Browsers stop nesting elements at about 512; what is deeper stands in one line.
_DEEPEST = 60
_LONGEST_STRING = 600
# A larger object is loaded when its tree comes into view.
LARGE = 8_000


@dataclass(frozen=True, slots=True)
class Node:
    """A line of the tree. `kind`: open and close of an object or array, leaf, or long for one to unfold.

    `value` is the JSON text of a leaf, or the bracket; `summary` tells what a closed branch holds.
    """

    kind: str
    name: str | None = None
    value: str = ""
    summary: str = ""
    is_string: bool = False
    is_open: bool = False
    is_unmodelled: bool = False


@dataclass(frozen=True, slots=True)
class RawTree:
    """The whole object: its size in bytes, and its lines."""

    members: Mapping[str, bytes]

    @property
    def size(self) -> int:
        return len(join(dict(self.members)))

    @property
    def is_large(self) -> bool:
        return self.size > LARGE

    @property
    def unmodelled(self) -> list[str]:
        """The members that Runglass keeps without knowing what they mean."""
        return [clean(name) for name in self.members if name not in MODELLED]

    @property
    def nodes(self) -> Iterator[Node]:
        yield Node("open", value="{", summary=f"{_count(len(self.members), 'key')} }}", is_open=True)
        for name, raw in self.members.items():
            yield from _member(name, raw)
        yield Node("close", value="}")


def _member(name: str, raw: bytes) -> list[Node]:
    unmodelled = name not in MODELLED
    try:
        return list(_branch(json_values.parse(raw), name, 1, is_unmodelled=unmodelled))
    except RecursionError:
        return [Node("long", clean(name), raw.decode(), "nested very deeply", is_unmodelled=unmodelled)]


def _branch(value: Any, name: str | None, depth: int, *, is_unmodelled: bool = False) -> Iterator[Node]:
    shown = None if name is None else clean(name)
    if isinstance(value, dict | list) and value and depth < _DEEPEST:
        yield _opening(value, shown, is_unmodelled)
        members = value.items() if isinstance(value, dict) else ((None, item) for item in value)
        for key, item in members:
            yield from _branch(item, key, depth + 1)
        yield Node("close", value="}" if isinstance(value, dict) else "]")
        return
    text = json_values.dump(value)
    is_string = isinstance(value, str) and not isinstance(value, json_values.Number)
    kind = "long" if len(text) > _LONGEST_STRING else "leaf"
    summary = text[:120] + "…" if kind == "long" else ""
    yield Node(kind, shown, text, summary, is_string=is_string, is_unmodelled=is_unmodelled)


def _opening(value: dict[str, Any] | list[Any], name: str | None, is_unmodelled: bool) -> Node:
    if isinstance(value, dict):
        return Node("open", name, "{", f"{_count(len(value), 'key')} }}", is_unmodelled=is_unmodelled)
    return Node("open", name, "[", f"{_count(len(value), 'item')} ]", is_unmodelled=is_unmodelled)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
