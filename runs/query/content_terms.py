"""The terms of a query that search messages and tool calls."""

from __future__ import annotations

from collections.abc import Iterator

from runs.query.ast import And, FreeText, Not, Or, QueryNode, Term
from runs.query.content_search import ContentMatch
from runs.query.fields import FIELDS_BY_NAME
from runs.query.sql_targets import ContentTarget, build_free_text_match


def list_content_matches(leaf: Term | FreeText) -> list[ContentMatch]:
    """Return what a term searches for in messages and tool calls, one for each value; nothing if it does not."""
    if isinstance(leaf, FreeText):
        return [build_free_text_match(leaf.text)]
    target = FIELDS_BY_NAME[leaf.field].target
    return target.list_matches(leaf.operators) if isinstance(target, ContentTarget) else []


def iterate_required_matches(node: QueryNode | None) -> Iterator[ContentMatch]:
    """Yield what the runs that a query finds may have in their messages and tool calls: negated terms are left out."""
    match node:
        case And(operands) | Or(operands):
            for operand in operands:
                yield from iterate_required_matches(operand)
        case Term() | FreeText():
            yield from list_content_matches(node)
        case Not() | None:
            return
