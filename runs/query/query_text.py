"""A query as a value: read, written, said in words."""

from __future__ import annotations

from dataclasses import dataclass

from runs.query import grammar
from runs.query.ast import And, FreeText, Not, Or, QueryNode, Term
from runs.query.fields import FIELDS_BY_NAME
from runs.query.operators import quote_value


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked in the query language. Equal queries are written alike."""

    tree: QueryNode

    @classmethod
    def parse(cls, text: str) -> Query:
        """Read a query. Raises InvalidFilter; its problem names the column."""
        return cls(grammar.parse_query(text))

    def describe(self) -> str:
        """In words: `status is failed and model is not gpt-4o`."""
        return _said(self.tree)

    def __str__(self) -> str:
        return str(self.tree)


def _said(node: QueryNode) -> str:
    match node:
        case Term():
            return f"{_label(node)} {' or '.join(match.words() for match in node.matches)}"
        case FreeText(text):
            return f"{quote_value(text)} is found"
        case Not(Term(matches=(match,)) as term):
            return f"{_label(term)} {match.words(negated=True)}"
        case Not(FreeText(text)):
            return f"{quote_value(text)} is not found"
        case Not(part):
            return f"not ({_said(part)})"
        case And(parts):
            return " and ".join(f"({_said(part)})" if isinstance(part, Or) else _said(part) for part in parts)
        case Or(parts):
            return " or ".join(_said(part) for part in parts)


def _label(term: Term) -> str:
    label = FIELDS_BY_NAME[term.field].label
    return label if term.key is None else f"{label} {term.key}"
