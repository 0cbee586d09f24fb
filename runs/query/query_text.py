"""A query as a value: read, written, said in words."""

from __future__ import annotations

from dataclasses import dataclass

from runs.query import grammar
from runs.query.ast import All, Any, Node, Not, Term, Words
from runs.query.fields import BY_NAME
from runs.query.operators import quoted


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked in the query language. Equal queries are written alike."""

    tree: Node

    @classmethod
    def parse(cls, text: str) -> Query:
        """Read a query. Raises InvalidFilter; its problem names the column."""
        return cls(grammar.parse(text))

    def describe(self) -> str:
        """In words: `status is failed and model is not gpt-4o`."""
        return _said(self.tree)

    def __str__(self) -> str:
        return str(self.tree)


def _said(node: Node) -> str:
    match node:
        case Term():
            return f"{_label(node)} {' or '.join(match.words() for match in node.matches)}"
        case Words(text):
            return f"{quoted(text)} is found"
        case Not(Term(matches=(match,)) as term):
            return f"{_label(term)} {match.words(negated=True)}"
        case Not(Words(text)):
            return f"{quoted(text)} is not found"
        case Not(part):
            return f"not ({_said(part)})"
        case All(parts):
            return " and ".join(f"({_said(part)})" if isinstance(part, Any) else _said(part) for part in parts)
        case Any(parts):
            return " or ".join(_said(part) for part in parts)


def _label(term: Term) -> str:
    label = BY_NAME[term.field].label
    return label if term.key is None else f"{label} {term.key}"
