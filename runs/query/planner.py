"""Telling the planner what it can't know: how soon a walk along the list meets what is asked for.

A page of the list ends after fifty matches. Postgres takes matches for evenly spread, and knows little of what
metadata hold. So it walks past all newer runs where the matches are old, and gathers and sorts thousands where the
next fifty are near. A look at the runs that come first settles which of the two it should do.

Counting the newest matches needs more of them, so a look says too whether these can be had, or how far to walk.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from django.db.models import BooleanField, Case, F, Q, Sum, When
from django.db.models.lookups import LessThan

from runs.db.keyset_pagination import NEWEST_FIRST, Order
from runs.db.lookups import SelectiveHint, probe_per_row
from runs.models import DayByAssistant, DayByModel, Run
from runs.models.rollup import RunRollup
from runs.query.ast import And, FreeText, Not, Or, QueryNode, Term, iterate_leaves, join_and
from runs.query.conditions import MATCH_ALL, build_condition
from runs.query.operators import Comparison, Equals, Exists, Operator, Wildcard
from runs.query.sql_targets import MATCH_NONE, QueryScope

if TYPE_CHECKING:
    from runs.models.run import RunQuerySet

SAMPLE_SIZE = 2000
# Of those, so many matches mean a page of fifty within some 10,000 runs, about as far as gathering all takes.
MIN_DENSE_MATCHES = 12
# Matches that a look counts: a quarter of what it looks at.
MAX_SAMPLED_MATCHES = 500
PLANNED_PAGE_SIZE = 50
# Runs that a page may be gathered out of, or walked along, without more ado; and by how much a run in another order
# than that of time costs more, since it lies anywhere.
MAX_CHEAP_SCAN, RANDOM_ACCESS_FACTOR = 20_000, 3
# Runs that are read at most to count the newest matches; fewer where each takes long.
MAX_COUNT_SCAN, MAX_SLOW_COUNT_SCAN = 25_000, 5_000

# each has an index in which the runs of one value are in the order of the list; first what has the fewest, mostly
_ORDERED = ("id", "thread", "awaits", "group", "reason", "error", "error_code", "status", "assistant", "model")
_COMPLETED = Term("status", (Equals("completed"),))
# each has an index of whatever order
_INDEXED = {
    *_ORDERED,
    "total_tokens", "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "duration", "queue",
    "started", "ended", "received", "error_message", "metadata", "function", "tool", "failing", "misargued", "tag",
    "defines", "instructions", "configuration",
}  # fmt: skip
# each has an index that Postgres unites with another, since it does not begin with the project like that
_UNITED = {
    "metadata", "error_message", "instructions", "configuration", "defines", "queue", "started", "ended", "received",
    "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens",
}  # fmt: skip
# each finds few runs, and all of them sooner than a walk meets a page of them
_SELDOM = {"failing", "misargued"}
# of each run it is looked up, mostly in another table
_PROBED = {"function", "tool", "failing", "misargued", "tag", "words"}
# Holds for every run; but the planner believes that it hardly ever does.
_RARE = Q(SelectiveHint("pk")) & Q(SelectiveHint("created_at"))


@dataclass
class QueryPlan:
    """Which runs are asked for, and the words for it that make the planner walk or gather, as is better.

    `tree` is the question that `condition` was made of, None where everything is asked for. The looks that it takes
    are small queries, each made once, and none before it is needed.
    """

    condition: Q
    tree: QueryNode | None
    scope: QueryScope
    _counted: tuple[int, int] = 0, 0  # as many as the first, and how many there were

    def page(self, order: Order = NEWEST_FIRST) -> Q:
        """The condition for a page of the list in `order`, of runs that have a value in it."""
        if self._is_settled:
            return self.condition
        if order != NEWEST_FIRST:
            return self._gathered if self._gathers_sooner(order) else self._walked
        if self._is_ordered:
            return self.condition
        return self._led if self._is_near else self._gathered

    def valueless(self, order: Order) -> Q:
        """The condition for a page of the newest runs without a value in `order`."""
        if self.scope.project is None or self.condition == MATCH_NONE:
            return self.condition
        return self._without(order).page()

    def newest(self) -> tuple[Q, bool]:
        """The condition for counting the newest matches, and whether it stops short of some.

        It does where finding many would take long: then it holds for those that a walk of some length meets.
        """
        if self._is_settled or self._is_ordered:
            return self.condition, False
        if self._near >= MAX_SAMPLED_MATCHES and not self._is_slow:
            return self._led, False
        if self._near < self._dense or self._gathers_few:
            return self._gathered, False
        furthest = self._furthest
        within = Q(created_at__gte=furthest) if furthest else MATCH_ALL
        return self._led & within, furthest is not None

    @property
    def _is_settled(self) -> bool:
        return self.tree is None or self.scope.project is None or self.condition in (MATCH_NONE, MATCH_ALL)

    @cached_property
    def _fields(self) -> set[str]:
        assert self.tree is not None  # noqa: S101 - asked of questions only
        return {"words" if isinstance(leaf, FreeText) else leaf.field for leaf in iterate_leaves(self.tree)}

    @cached_property
    def _is_ordered(self) -> bool:
        return self.tree is not None and _is_ordered(self.tree)

    @cached_property
    def _is_indexed(self) -> bool:
        return self.tree is not None and self._leads_to(self.tree)

    def _leads_to(self, node: QueryNode) -> bool:
        """Whether an index leads to what `node` finds."""
        match node:
            case Term("metadata", matches, str(key)) if self.scope.metadata_values(key, matches) is not None:
                return True
            case Term(field, matches):
                has_beginning = field == "id"
                is_plain = has_beginning or not any(isinstance(match, Wildcard) for match in matches)
                return field in _INDEXED and is_plain
            case FreeText():
                return True
            case Not():
                return False
            case And(parts):
                return any(map(self._leads_to, parts))
            case Or(parts):
                return all(map(self._leads_to, parts))

    @property
    def _gathered(self) -> Q:
        """As `condition`, of which the planner believes that it hardly ever holds."""
        return self.condition & _RARE

    @property
    def _believed(self) -> Q:
        """As `condition`, of which the planner believes that it holds for every other run, and knows no index."""
        return Q(Case(When(probe_per_row(self.condition), then=True), default=False, output_field=BooleanField()))

    @property
    def _walked(self) -> Q:
        """The same within the time that is asked for, which says where the walk is."""
        since, until = self._times
        bounds = {"created_at__gte": since, "created_at__lte": until}
        return Q(**{lookup: moment for lookup, moment in bounds.items() if moment}) & self._believed

    @property
    def _led(self) -> Q:
        """The same for a walk through the newest of those that the lead has."""
        return self._lead & self._walked

    @cached_property
    def _lead(self) -> Q:
        """What holds of all matches and has an index, newest first, in which they are nearer to each other."""
        return build_condition(self._leader, self.scope) if self._leader else MATCH_ALL

    @cached_property
    def _leader(self) -> Term | None:
        """The part that most likely is that of the fewest runs, of those that have such an index."""
        leaders = [part for part in _conjuncts(self.tree) if isinstance(part, Term) and _has_one_value(part)]
        return min(leaders, key=lambda part: (part == _COMPLETED, _ORDERED.index(part.field)), default=None)

    @cached_property
    def _is_near(self) -> bool:
        """Whether a page of matches is near enough for a walk."""
        return self._count_near(self._dense) == self._dense

    @property
    def _dense(self) -> int:
        """So many near matches are worth a walk."""
        if self._fields & _SELDOM:
            return PLANNED_PAGE_SIZE
        dense = MIN_DENSE_MATCHES if self._is_indexed else 1
        return -(-dense // 2) if self._is_slow else dense

    @property
    def _looked_at(self) -> int:
        """How many of the newest runs are looked at."""
        return -(-SAMPLE_SIZE // 2) if self._is_slow else SAMPLE_SIZE

    @cached_property
    def _near(self) -> int:
        """How many of the newest runs match."""
        return self._count_near(MAX_SAMPLED_MATCHES)

    def _count_near(self, most: int) -> int:
        """The same, as many as `most`, of those that the lead has; once, unless more are wanted."""
        if most > self._counted[0]:
            self._counted = most, self._count_newest(most)
        return min(most, self._counted[1])

    def _count_newest(self, most: int) -> int:
        runs = self._runs.filter(self._lead)
        created = runs.order_by("-created_at").values_list("created_at", flat=True)
        last = created[self._looked_at : self._looked_at + 1].first()
        if last is None:
            return most  # there are so few that any way is short
        return runs.filter(self._believed, created_at__gte=last).count_at_most(most - 1)

    def _look(self, order: Order) -> int:
        """How many of the first runs in `order` match."""
        runs = Run.objects.filter(project=self.scope.project)
        runs = runs.sorted_by(order) if order.is_never_null else runs.with_sort_value(order)
        last = runs.only("id", order.column)[SAMPLE_SIZE : SAMPLE_SIZE + 1].first()
        if last is None:
            return MAX_SAMPLED_MATCHES
        return runs.filter(self._believed).up_to(order.cursor_at(last)).count_at_most(MAX_SAMPLED_MATCHES - 1)

    def _without(self, order: Order) -> QueryPlan:
        """The same of runs without a value in `order` alone."""
        without = Not(Term(order.field, (Exists(),)))
        tree = join_and([self.tree, without] if self.tree else [without])
        return QueryPlan(self.condition & build_condition(without, self.scope), tree, self.scope)

    @property
    def _gathers_few(self) -> bool:
        """Whether few runs are read to gather all matches: of two that could lead, one does, and the other is read."""
        if self._leader and (self._is_slow or not self._fields & _UNITED):
            return self._candidates <= self._reach
        return self._is_indexed and self._estimate <= self._reach

    @cached_property
    def _estimate(self) -> float:
        """About how many runs match, were they spread evenly."""
        return max(self._near, 0.5) / self._looked_at * self._candidates

    @cached_property
    def _candidates(self) -> int:
        """How many runs the lead has, or a large number of them."""
        match self._leader:
            case None | Term("status" | "model" | "error" | "error_code"):
                sums: type[RunRollup] = DayByModel
            case Term("assistant"):
                sums = DayByAssistant
            case _:
                return self._runs.filter(self._lead).count_at_most(MAX_CHEAP_SCAN)
        found = sums._default_manager.filter(self._lead, project=self.scope.project).aggregate(runs=Sum("runs"))
        return int(found["runs"] or 0)

    def _gathers_sooner(self, order: Order) -> bool:
        """Whether gathering all matches is quicker than a walk along `order`, in which rows lie far apart."""
        if self._is_short:
            return True
        walk = PLANNED_PAGE_SIZE / max(self._look(order), 0.5) * SAMPLE_SIZE
        if not self._is_indexed:
            return walk > self._candidates
        return walk > MAX_CHEAP_SCAN / 2 and walk * RANDOM_ACCESS_FACTOR > self._estimate

    @cached_property
    def _is_short(self) -> bool:
        """Whether few runs were created in the time that is asked for."""
        since, _ = self._times
        return (
            since is not None
            and self._runs.filter(created_at__gte=since).count_at_most(MAX_CHEAP_SCAN) <= MAX_CHEAP_SCAN
        )

    @cached_property
    def _times(self) -> tuple[datetime | None, datetime | None]:
        """Since when, and until when, runs that match were created, where there are such bounds."""
        since, until = None, None
        for part in _conjuncts(self.tree):
            match part:
                case Term("metadata", matches, str(key)):
                    until = min(filter(None, (until, self._last_seen(key, matches))), default=None)
                case Term("tag", matches):
                    until = min(filter(None, (until, self.scope.last_tagged(matches))), default=None)
                case Term("created" | "started" | "ended" as field, (Comparison(sign, quantity),)):
                    start, end = quantity.span(self.scope.now)
                    assert isinstance(start, datetime)  # noqa: S101 - of a field of times
                    if sign in (">", ">=", "=") and field == "created":
                        since = start if since is None else max(since, start)
                    last = start if sign == "<" else end or start
                    if sign in ("<", "<=", "=") and self._is_after_creation(field, last):
                        until = min(filter(None, (until, last)))
        return since, until

    def _last_seen(self, key: str, matches: tuple[Operator, ...]) -> datetime | None:
        """Until when runs with such metadata were created, where that is known."""
        hours = self.scope.metadata_values(key, matches)
        return max(hours.values()) + timedelta(hours=1) if hours else None

    def _is_after_creation(self, field: str, until: datetime) -> bool:
        """Whether all runs whose `field` is up to `until` were created before it, which servers can get wrong."""
        if field == "created":
            return True
        passed = LessThan(F(f"{field}_at") - F("created_at"), timedelta(0))
        runs = Run.objects.filter(passed, _RARE, project=self.scope.project, **{f"{field}_at__lte": until})
        return not runs.exists()

    @property
    def _furthest(self) -> datetime | None:
        """When the last run was created that a walk may meet; None where it may meet all."""
        created = self._runs.filter(self._lead).order_by("-created_at").values_list("created_at", flat=True)
        return created[self._reach : self._reach + 1].first()

    @property
    def _reach(self) -> int:
        """How many runs may be read to count the newest matches."""
        return MAX_SLOW_COUNT_SCAN if self._is_slow else MAX_COUNT_SCAN

    @cached_property
    def _is_slow(self) -> bool:
        """Whether it takes long to tell of a run that it matches."""
        return bool(self._fields & _PROBED)

    @property
    def _runs(self) -> RunQuerySet:
        """Those that may match by their time; what came after it tells nothing."""
        runs, (_, until) = Run.objects.filter(project=self.scope.project), self._times
        return runs.filter(created_at__lte=until) if until else runs


def _conjuncts(node: QueryNode | None) -> tuple[QueryNode, ...]:
    """What must hold together."""
    return node.parts if isinstance(node, And) else () if node is None else (node,)


def _is_ordered(node: QueryNode) -> bool:
    """Whether one index has all that `node` finds, newest first."""
    others = [term for term in _conjuncts(node) if not (isinstance(term, Term) and term.field == "created")]
    return not others or (len(others) == 1 and _has_one_value(others[0]))


def _has_one_value(node: QueryNode) -> bool:
    match node:
        case Term(field, (Equals(),)):
            return field in _ORDERED
        case Term("awaits", (Exists(),)):
            return True
    return False
