"""A query as a tree of frozen values: what it asks, and how it is written.

Trees are made by `both`, `either` and `negated`, which leave nothing to chance: no group within a like group, no
group of one, no double negation. So equal trees are written alike, and reading what was written gives the tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs.query.operators import Operator, quote_value

KEYWORDS = ("AND", "OR", "NOT")
_WORD = re.compile(r"(?!-)[^\s\"():,*]+")
_KEY = re.compile(r"[^\s\"():,*]+")


@dataclass(frozen=True, slots=True)
class Term:
    """A field, and what its value has to be, any of `matches`; `key` where the field has keys of its own."""

    field: str
    matches: tuple[Operator, ...]
    key: str | None = None

    @property
    def depth(self) -> int:
        return 1

    def __str__(self) -> str:
        key = "" if self.key is None else f".{format_key(self.key)}"
        return f"{self.field}{key}:{','.join(map(str, self.matches))}"


@dataclass(frozen=True, slots=True)
class FreeText:
    """A text to be found in whatever a run is searched by."""

    text: str

    @property
    def depth(self) -> int:
        return 1

    def __str__(self) -> str:
        is_bare = _WORD.fullmatch(self.text) and self.text.upper() not in KEYWORDS
        return self.text if is_bare else quote_value(self.text)


@dataclass(frozen=True, slots=True)
class Not:
    """What the part does not hold for."""

    part: QueryNode

    @property
    def depth(self) -> int:
        return self.part.depth + 1

    def __str__(self) -> str:
        return f"-({self.part})" if isinstance(self.part, And | Or) else f"-{self.part}"


@dataclass(frozen=True, slots=True)
class And:
    """What every part holds for."""

    parts: tuple[QueryNode, ...]

    @property
    def depth(self) -> int:
        return max(part.depth for part in self.parts) + 1

    def __str__(self) -> str:
        return " ".join(f"({part})" if isinstance(part, Or) else str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """What one part at least holds for."""

    parts: tuple[QueryNode, ...]

    @property
    def depth(self) -> int:
        return max(part.depth for part in self.parts) + 1

    def __str__(self) -> str:
        return " OR ".join(map(str, self.parts))


QueryNode = Term | FreeText | Not | And | Or


def format_key(key: str) -> str:
    """A key of a field as the language writes it."""
    return key if _KEY.fullmatch(key) else quote_value(key)


def join_and(parts: Iterable[QueryNode]) -> QueryNode:
    """All of `parts`, of which there is one at least."""
    flat = tuple(dict.fromkeys(_flat(parts, And)))
    return flat[0] if len(flat) == 1 else And(flat)


def join_or(parts: Iterable[QueryNode]) -> QueryNode:
    """Any of `parts`, of which there is one at least."""
    flat = tuple(dict.fromkeys(_flat(parts, Or)))
    return flat[0] if len(flat) == 1 else Or(flat)


def negate(part: QueryNode) -> QueryNode:
    """All but `part`."""
    return part.part if isinstance(part, Not) else Not(part)


def iterate_leaves(node: QueryNode) -> Iterator[Term | FreeText]:
    """The terms and words of a tree, from left to right."""
    match node:
        case Not(part):
            yield from iterate_leaves(part)
        case And(parts) | Or(parts):
            for each in parts:
                yield from iterate_leaves(each)
        case _:
            yield node


def _flat(parts: Iterable[QueryNode], group: type[And | Or]) -> Iterator[QueryNode]:
    for part in parts:
        if isinstance(part, And | Or) and isinstance(part, group):
            yield from part.parts
        else:
            yield part
