"""Telling the planner what it can't know: how soon a walk along the list meets what a query asks for.

The list is read newest first and ends after a page. Postgres takes matches for evenly spread, and knows little of
what metadata hold. So it walks past all newer runs where the matches are old, and gathers and sorts thousands where
the next fifty are near. A look at the newest runs settles which of the two it should do.
"""

from __future__ import annotations

from django.db.models import BooleanField, Case, Q, When

from runs.filters.lookups import LooksRare
from runs.filters.targets import Scope
from runs.filters.tree import Node, Words, leaves
from runs.models import Run

LOOKED_AT = 2000
# Of those, so many matches mean a page of fifty within some 20,000 runs.
DENSE = 6

# each has an index in the order of the list, or finds so little that order is no matter
_ORDERED = {
    "status",
    "model",
    "assistant",
    "thread",
    "id",
    "error",
    "error_code",
    "reason",
    "awaits",
    "created",
    "group",
}
_IN_STEPS = {"function", "tool"}


def directed(condition: Q, tree: Node, scope: Scope) -> Q:
    """`condition`, equal in meaning, in the words that make the planner walk or gather; two small queries."""
    fields = {"words" if isinstance(leaf, Words) else leaf.field for leaf in leaves(tree)}
    is_simple = len(fields - {"created"}) <= 1 and fields <= _ORDERED
    if scope.project is None or is_simple or not scope.paged:
        return condition
    if not _is_dense(condition, scope):
        return condition & Q(LooksRare("pk"))
    return condition if fields & _IN_STEPS else _looks_even(condition)


def _is_dense(condition: Q, scope: Scope) -> bool:
    runs = Run.objects.filter(project=scope.project)
    oldest = runs.newest_first().values_list("created_at", flat=True)[LOOKED_AT : LOOKED_AT + 1].first()
    if oldest is None:
        return True  # there are so few that any way is short
    lately = runs.filter(condition, created_at__gte=oldest)
    return lately.order_by()[:DENSE].count() == DENSE


def _looks_even(condition: Q) -> Q:
    """As `condition`, of which the planner believes that it holds for every other run, and knows no index."""
    return Q(Case(When(condition, then=True), default=False, output_field=BooleanField()))
