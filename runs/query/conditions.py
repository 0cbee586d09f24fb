"""From a query to a condition on runs."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_

from django.db.models import Q

from runs.db.lookups import IsNotTrue
from runs.query import sql_targets
from runs.query.ast import All, Any, Node, Not, Term, Words
from runs.query.fields import BY_NAME
from runs.query.sql_targets import NEVER_NULL, NOTHING, Scope

EVERYTHING = Q()


def where(node: Node, scope: Scope) -> Q:
    """What a run must fulfil. Asks the database for the configurations that are meant, where any are."""
    match node:
        case Term(name, matches, key):
            return BY_NAME[name].target.where(matches, key, scope)
        case Words(text):
            return sql_targets.words(text, scope)
        case Not(part):
            return _not(where(part, scope))
        case All(parts):
            return _all([where(part, scope) for part in parts])
        case Any(parts):
            return _any([where(part, scope) for part in parts])


def _not(condition: Q) -> Q:
    """What `condition` does not hold for, columns without a value included."""
    if condition == NOTHING:
        return EVERYTHING
    if condition == EVERYTHING:
        return NOTHING
    if all(isinstance(each, NEVER_NULL) for each in condition.children):
        return ~condition  # known either way, and served by an anti-join or an index
    return Q(IsNotTrue(condition))


def _all(conditions: list[Q]) -> Q:
    return NOTHING if NOTHING in conditions else reduce(and_, conditions)


def _any(conditions: list[Q]) -> Q:
    if EVERYTHING in conditions:
        return EVERYTHING
    found = [condition for condition in conditions if condition != NOTHING]
    return reduce(or_, found) if found else NOTHING
