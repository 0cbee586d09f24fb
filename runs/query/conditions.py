"""The SQL condition of a syntax tree."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_

from django.db.models import Q

from runs.db.lookups import IsNotTrue
from runs.query.ast import And, FreeText, Not, Or, QueryNode, Term
from runs.query.fields import FIELDS_BY_NAME
from runs.query.scope import MATCH_ALL, MATCH_NONE, QueryScope
from runs.query.sql_targets import NEVER_NULL_EXPRESSIONS, match_free_text


def build_condition(node: QueryNode, scope: QueryScope) -> Q:
    """Return the condition on runs for `node`. May query the database for ids, such as those of configurations.

    Parts that match nothing or everything are removed, so that the result is `MATCH_NONE` or `MATCH_ALL` itself if
    nothing else is left.
    """
    match node:
        case Term(name, operators, key):
            return FIELDS_BY_NAME[name].target.build_condition(operators, key, scope)
        case FreeText(text):
            return match_free_text(text, scope)
        case Not(operand):
            return _negate(build_condition(operand, scope))
        case And(operands):
            conditions = [build_condition(operand, scope) for operand in operands]
            return MATCH_NONE if MATCH_NONE in conditions else reduce(and_, conditions)
        case Or(operands):
            conditions = [build_condition(operand, scope) for operand in operands]
            if MATCH_ALL in conditions:
                return MATCH_ALL
            return reduce(or_, [condition for condition in conditions if condition != MATCH_NONE] or [MATCH_NONE])


def _negate(condition: Q) -> Q:
    """Return the condition that `condition` is false or null."""
    if condition == MATCH_NONE:
        return MATCH_ALL
    if condition == MATCH_ALL:
        return MATCH_NONE
    if all(isinstance(child, NEVER_NULL_EXPRESSIONS) for child in condition.children):
        return ~condition  # Postgres can serve plain NOT with an anti-join or an index
    return Q(IsNotTrue(condition))
