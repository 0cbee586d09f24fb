"""From a query to a condition on runs."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_

from django.db.models import Q

from runs.db.lookups import IsNotTrue
from runs.query import sql_targets
from runs.query.ast import And, FreeText, Not, Or, QueryNode, Term
from runs.query.fields import FIELDS_BY_NAME
from runs.query.sql_targets import MATCH_NONE, NEVER_NULL_EXPRESSIONS, QueryScope

MATCH_ALL = Q()


def build_condition(node: QueryNode, scope: QueryScope) -> Q:
    """What a run must fulfil. Asks the database for the configurations that are meant, where any are."""
    match node:
        case Term(name, matches, key):
            return FIELDS_BY_NAME[name].target.where(matches, key, scope)
        case FreeText(text):
            return sql_targets.match_free_text(text, scope)
        case Not(part):
            return _negate(build_condition(part, scope))
        case And(parts):
            return _combine_and([build_condition(part, scope) for part in parts])
        case Or(parts):
            return _combine_or([build_condition(part, scope) for part in parts])


def _negate(condition: Q) -> Q:
    """What `condition` does not hold for, columns without a value included."""
    if condition == MATCH_NONE:
        return MATCH_ALL
    if condition == MATCH_ALL:
        return MATCH_NONE
    if all(isinstance(each, NEVER_NULL_EXPRESSIONS) for each in condition.children):
        return ~condition  # known either way, and served by an anti-join or an index
    return Q(IsNotTrue(condition))


def _combine_and(conditions: list[Q]) -> Q:
    return MATCH_NONE if MATCH_NONE in conditions else reduce(and_, conditions)


def _combine_or(conditions: list[Q]) -> Q:
    if MATCH_ALL in conditions:
        return MATCH_ALL
    found = [condition for condition in conditions if condition != MATCH_NONE]
    return reduce(or_, found) if found else MATCH_NONE
