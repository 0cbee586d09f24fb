"""The syntax tree of a query, made of immutable values. `str()` of a node is the query in its canonical form.

Build trees with `join_and`, `join_or` and `negate`. They avoid a group inside a group of the same kind, a group of
one operand, and double negation, so that equal trees have equal text and parsing that text returns the tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs.query.operators import Operator, quote_value

KEYWORDS = ("AND", "OR", "NOT")
_BARE_WORD = re.compile(r"(?!-)[^\s\"():,*]+")
_BARE_KEY = re.compile(r"[^\s\"():,*]+")


@dataclass(frozen=True, slots=True)
class Term:
    """A field and its operators, any of which may match. `key` is set for fields with keys, such as metadata."""

    field: str
    operators: tuple[Operator, ...]
    key: str | None = None

    @property
    def depth(self) -> int:
        """The number of levels of the tree."""
        return 1

    def __str__(self) -> str:
        key = "" if self.key is None else f".{format_key(self.key)}"
        return f"{self.field}{key}:{','.join(map(str, self.operators))}"


@dataclass(frozen=True, slots=True)
class FreeText:
    """A text without a field."""

    text: str

    @property
    def depth(self) -> int:
        """The number of levels of the tree."""
        return 1

    def __str__(self) -> str:
        is_bare = _BARE_WORD.fullmatch(self.text) and self.text.upper() not in KEYWORDS
        return self.text if is_bare else quote_value(self.text)


@dataclass(frozen=True, slots=True)
class Not:
    """Matches runs that the operand does not match."""

    operand: QueryNode

    @property
    def depth(self) -> int:
        """The number of levels of the tree."""
        return self.operand.depth + 1

    def __str__(self) -> str:
        return f"-({self.operand})" if isinstance(self.operand, And | Or) else f"-{self.operand}"


@dataclass(frozen=True, slots=True)
class And:
    """Matches runs that every operand matches."""

    operands: tuple[QueryNode, ...]

    @property
    def depth(self) -> int:
        """The number of levels of the tree."""
        return max(operand.depth for operand in self.operands) + 1

    def __str__(self) -> str:
        return " ".join(f"({operand})" if isinstance(operand, Or) else str(operand) for operand in self.operands)


@dataclass(frozen=True, slots=True)
class Or:
    """Matches runs that at least one operand matches."""

    operands: tuple[QueryNode, ...]

    @property
    def depth(self) -> int:
        """The number of levels of the tree."""
        return max(operand.depth for operand in self.operands) + 1

    def __str__(self) -> str:
        return " OR ".join(map(str, self.operands))


QueryNode = Term | FreeText | Not | And | Or


def format_key(key: str) -> str:
    """Return a metadata key as the query language writes it, with quotes where it needs them."""
    return key if _BARE_KEY.fullmatch(key) else quote_value(key)


def join_and(operands: Iterable[QueryNode]) -> QueryNode:
    """Return a node that matches where all operands match. There must be at least one."""
    flat = tuple(dict.fromkeys(_flatten(operands, And)))
    return flat[0] if len(flat) == 1 else And(flat)


def join_or(operands: Iterable[QueryNode]) -> QueryNode:
    """Return a node that matches where any operand matches. There must be at least one."""
    flat = tuple(dict.fromkeys(_flatten(operands, Or)))
    return flat[0] if len(flat) == 1 else Or(flat)


def negate(operand: QueryNode) -> QueryNode:
    """Return a node that matches where `operand` does not."""
    return operand.operand if isinstance(operand, Not) else Not(operand)


def iterate_leaves(node: QueryNode) -> Iterator[Term | FreeText]:
    """Yield the terms and free texts of a tree from left to right."""
    match node:
        case Not(operand):
            yield from iterate_leaves(operand)
        case And(operands) | Or(operands):
            for operand in operands:
                yield from iterate_leaves(operand)
        case _:
            yield node


def _flatten(operands: Iterable[QueryNode], group: type[And | Or]) -> Iterator[QueryNode]:
    for operand in operands:
        if isinstance(operand, And | Or) and isinstance(operand, group):
            yield from operand.operands
        else:
            yield operand
