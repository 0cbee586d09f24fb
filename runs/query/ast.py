"""A query as a tree of frozen values: what it asks, and how it is written.

Trees are made by `both`, `either` and `negated`, which leave nothing to chance: no group within a like group, no
group of one, no double negation. So equal trees are written alike, and reading what was written gives the tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs.query.operators import Match, quoted

KEYWORDS = ("AND", "OR", "NOT")
_WORD = re.compile(r"(?!-)[^\s\"():,*]+")
_KEY = re.compile(r"[^\s\"():,*]+")


@dataclass(frozen=True, slots=True)
class Term:
    """A field, and what its value has to be, any of `matches`; `key` where the field has keys of its own."""

    field: str
    matches: tuple[Match, ...]
    key: str | None = None

    @property
    def depth(self) -> int:
        return 1

    def __str__(self) -> str:
        key = "" if self.key is None else f".{written_key(self.key)}"
        return f"{self.field}{key}:{','.join(map(str, self.matches))}"


@dataclass(frozen=True, slots=True)
class Words:
    """A text to be found in whatever a run is searched by."""

    text: str

    @property
    def depth(self) -> int:
        return 1

    def __str__(self) -> str:
        is_bare = _WORD.fullmatch(self.text) and self.text.upper() not in KEYWORDS
        return self.text if is_bare else quoted(self.text)


@dataclass(frozen=True, slots=True)
class Not:
    """What the part does not hold for."""

    part: Node

    @property
    def depth(self) -> int:
        return self.part.depth + 1

    def __str__(self) -> str:
        return f"-({self.part})" if isinstance(self.part, All | Any) else f"-{self.part}"


@dataclass(frozen=True, slots=True)
class All:
    """What every part holds for."""

    parts: tuple[Node, ...]

    @property
    def depth(self) -> int:
        return max(part.depth for part in self.parts) + 1

    def __str__(self) -> str:
        return " ".join(f"({part})" if isinstance(part, Any) else str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Any:
    """What one part at least holds for."""

    parts: tuple[Node, ...]

    @property
    def depth(self) -> int:
        return max(part.depth for part in self.parts) + 1

    def __str__(self) -> str:
        return " OR ".join(map(str, self.parts))


Node = Term | Words | Not | All | Any


def written_key(key: str) -> str:
    """A key of a field as the language writes it."""
    return key if _KEY.fullmatch(key) else quoted(key)


def both(parts: Iterable[Node]) -> Node:
    """All of `parts`, of which there is one at least."""
    flat = tuple(dict.fromkeys(_flat(parts, All)))
    return flat[0] if len(flat) == 1 else All(flat)


def either(parts: Iterable[Node]) -> Node:
    """Any of `parts`, of which there is one at least."""
    flat = tuple(dict.fromkeys(_flat(parts, Any)))
    return flat[0] if len(flat) == 1 else Any(flat)


def negated(part: Node) -> Node:
    """All but `part`."""
    return part.part if isinstance(part, Not) else Not(part)


def leaves(node: Node) -> Iterator[Term | Words]:
    """The terms and words of a tree, from left to right."""
    match node:
        case Not(part):
            yield from leaves(part)
        case All(parts) | Any(parts):
            for each in parts:
                yield from leaves(each)
        case _:
            yield node


def _flat(parts: Iterable[Node], group: type[All | Any]) -> Iterator[Node]:
    for part in parts:
        if isinstance(part, All | Any) and isinstance(part, group):
            yield from part.parts
        else:
            yield part
