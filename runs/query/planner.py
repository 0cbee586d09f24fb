"""The plan for a list query: which scan Postgres should use, decided by sampling the runs that the list starts with.

A page of the list ends after fifty matches. Postgres assumes that matches are spread evenly, and has poor statistics
for metadata. So it scans along all newer runs when only old ones match, or collects and sorts thousands of matches
when the next fifty are near. A sample of the first runs of the list tells which of the two is right.

The statistics for a page count the newest matches, more than a page has. The plan tells whether all of them can be
counted, or how far to scan.

There are no hints in Postgres, so the plan changes the condition: it adds expressions that are always true but that
the planner believes to be selective, or hides the condition from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import BooleanField, Case, F, Q, Sum, When
from django.db.models.lookups import LessThan

from runs.db.keyset_pagination import NEWEST_FIRST, Cursor, Order
from runs.db.lookups import SelectiveHint, probe_per_row
from runs.models import DayByModel, Project, Run, RunSource
from runs.models.run import RunQuerySet
from runs.query.ast import And, FreeText, Not, Or, QueryNode, Term, iterate_leaves, join_and
from runs.query.conditions import build_condition
from runs.query.content_search import MAX_LISTED_TEXTS, ContentMatch
from runs.query.content_terms import list_content_matches
from runs.query.fields import FIELDS_BY_NAME, IndexKind, QueryField
from runs.query.operators import Comparison, Equals, Exists, Operator, Wildcard
from runs.query.scope import MATCH_ALL, MATCH_NONE, QueryScope
from runs.query.sql_targets import match_sources

PLANNED_PAGE_SIZE = 50
# The number of runs in a sample.
SAMPLE_SIZE = 2000
# With this many matches in the sample, a page of fifty is within some 10,000 runs. Scanning them takes about as long
# as a bitmap scan of all matches.
MIN_DENSE_MATCHES = 12
# The same for the runs of listed texts: checking one is cheap, and those that a bitmap scan collects are far apart.
MIN_DENSE_LISTED_MATCHES = 3
# Matches are counted in a sample up to this number, a quarter of it.
MAX_SAMPLED_MATCHES = 500
# A scan or a sort of this many runs is always cheap enough for a page.
MAX_CHEAP_SCAN = 20_000
# Reading a run in another order than newest first costs this many times more, because its row may be anywhere.
RANDOM_ACCESS_FACTOR = 3
# The number of runs that may be read to count the newest matches, and the same if checking one run is slow.
MAX_COUNT_SCAN, MAX_SLOW_COUNT_SCAN = 25_000, 5_000

# The runs of so many found texts are read and sorted in less time than a sample takes.
MAX_FEW_TEXTS = 300

# True for every run, but the planner believes that it is hardly ever true.
_LOOKS_SELECTIVE = Q(SelectiveHint("pk")) & Q(SelectiveHint("created_at"))
_COMPLETED = Term("status", (Equals("completed"),))


@dataclass
class QueryPlan:
    """The plan for the runs that filters match.

    Three conditions select the same runs in different ways:

    - `index_scan` follows the index of the leading term, newest first, and checks each run.
    - `ordered_scan` follows the order of the list and checks each run.
    - `bitmap_scan` collects all matches from indexes and sorts them.

    Samples are small queries. Each is made at most once, and only if it is needed.

    Attributes:
        condition: The condition on runs, without a plan.
        tree: The syntax tree that `condition` was built from, None without filters.
        scope: The project and the time.
    """

    condition: Q
    tree: QueryNode | None
    scope: QueryScope
    # the limit of the last count in a sample, and its result
    _last_count: tuple[int, int] = field(default=(0, 0), init=False, repr=False)

    def build_page_condition(self, order: Order = NEWEST_FIRST) -> Q:
        """Return the condition for a page of the list in `order`, of runs that have a value in its column."""
        # 1. Without filters, project or any match, and with a list of runs, there is nothing to decide.
        if self._is_trivial:
            return self.condition
        if self._lists_runs:
            return self.bitmap_scan
        # 2. In another order, compare the distance to a page of matches with the number of all matches.
        if order != NEWEST_FIRST:
            return self.bitmap_scan if self._prefers_bitmap_scan(order) else self.ordered_scan
        # 3. If one index has exactly the matches, newest first, Postgres finds that by itself.
        if self._has_exact_index:
            return self.condition
        # 4. Sample the newest runs: if they contain enough matches, continue the scan from there.
        is_near = self._count_sampled_matches(self._min_dense_matches) == self._min_dense_matches
        return self.index_scan if is_near else self.bitmap_scan

    def build_missing_value_condition(self, order: Order) -> Q:
        """Return the condition for a page, newest first, of runs that have no value in the column of `order`."""
        if self.scope.project is None or self.condition == MATCH_NONE:
            return self.condition
        is_missing = Not(Term(order.query_field, (Exists(),)))
        tree = join_and([self.tree, is_missing] if self.tree else [is_missing])
        condition = self.condition & build_condition(is_missing, self.scope)
        return QueryPlan(condition, tree, self.scope).build_page_condition()

    def build_count_condition(self) -> tuple[Q, bool]:
        """Return the condition for counting the newest matches, and whether it leaves out older matches.

        It leaves them out where finding many matches would take long. Then it limits the length of the scan.
        """
        # 1. All matches are known to be cheap.
        if self._is_trivial or self._has_exact_index:
            return self.condition, False
        if self._lists_runs:
            return self.bitmap_scan, False
        # 2. Matches are dense: the newest ones are found soon.
        if self._sampled_matches >= MAX_SAMPLED_MATCHES and not self._is_slow:
            return self.index_scan, False
        # 3. Matches are few: collecting all of them is cheap.
        if self._sampled_matches < self._min_dense_matches or self._has_few_candidates:
            return self.bitmap_scan, False
        # 4. Neither: scan as many runs as the limit allows.
        oldest = self._find_oldest_counted()
        limit = Q(created_at__gte=oldest) if oldest else MATCH_ALL
        return self.index_scan & limit, oldest is not None

    def sort_runs(self, runs: RunQuerySet, order: Order) -> RunQuerySet:
        """Return the matches among `runs`, sorted by `order`."""
        return runs.filter(self.build_page_condition(order)).sorted_by(order)

    def fetch_page(self, runs: RunQuerySet, order: Order, after: Cursor | None, size: int) -> list[Run]:
        """Return the `size` runs after the cursor in the list of the matches among `runs`.

        Runs with a value in the column of `order` and runs without one are fetched by separate queries, because no
        index has both in the order of the list.
        """
        if order.is_never_null:
            return list(self.sort_runs(runs, order).after(after)[:size])
        page: list[Run] = []
        for part in runs.sort_parts(order, after):
            if len(page) < size:
                is_missing = part.is_missing_sort_value
                condition = (
                    self.build_missing_value_condition(order) if is_missing else self.build_page_condition(order)
                )
                page += part.filter(condition)[: size - len(page)]
        return page

    @property
    def bitmap_scan(self) -> Q:
        """`condition`, which the planner believes to be hardly ever true."""
        return self.condition & _LOOKS_SELECTIVE

    @property
    def ordered_scan(self) -> Q:
        """`condition`, hidden from the planner, within the times between which matches were created."""
        since, until = self._created_between
        bounds = {"created_at__gte": since, "created_at__lte": until}
        return Q(**{lookup: time for lookup, time in bounds.items() if time}) & self._hidden_condition

    @property
    def index_scan(self) -> Q:
        """`ordered_scan` among the runs of the leading term."""
        return self._leading_condition & self.ordered_scan

    # Properties of the query

    @property
    def _is_trivial(self) -> bool:
        return self.tree is None or self.scope.project is None or self.condition in (MATCH_NONE, MATCH_ALL)

    @cached_property
    def _fields(self) -> list[QueryField]:
        leaves = iterate_leaves(self.tree) if self.tree else ()
        return [FIELDS_BY_NAME[leaf.field] for leaf in leaves if isinstance(leaf, Term)]

    @cached_property
    def _is_slow(self) -> bool:
        """Return whether checking one run takes long, mostly because of a lookup in another table."""
        return self.tree is not None and any(map(self._is_slow_leaf, iterate_leaves(self.tree)))

    def _is_slow_leaf(self, leaf: Term | FreeText) -> bool:
        if matches := list_content_matches(leaf):
            return not self._are_texts_listed(matches)
        return isinstance(leaf, FreeText) or FIELDS_BY_NAME[leaf.field].is_slow

    @cached_property
    def _has_exact_index(self) -> bool:
        """Return whether one index has exactly the matches, newest first."""
        terms = [node for node in _conjuncts(self.tree) if not (isinstance(node, Term) and node.field == "created")]
        return not terms or (len(terms) == 1 and _has_newest_first_index(terms[0]))

    @cached_property
    def _lists_runs(self) -> bool:
        """Return whether the condition lists the texts of the runs that may match, which are few."""
        return any(self._are_texts_listed(matches, MAX_FEW_TEXTS) for matches in self._searches)

    @cached_property
    def _lists_texts(self) -> bool:
        """Return whether the condition lists the texts of the runs that may match."""
        return any(map(self._are_texts_listed, self._searches))

    @cached_property
    def _searches(self) -> list[list[ContentMatch]]:
        """What the terms that must match search for in messages and tool calls."""
        terms = [node for node in _conjuncts(self.tree) if isinstance(node, Term)]
        return [matches for term in terms if (matches := list_content_matches(term))]

    def _are_texts_listed(self, matches: Iterable[ContentMatch], limit: int = MAX_LISTED_TEXTS) -> bool:
        found = [self.scope.find_texts(match) for match in matches]
        return all(texts is not None for texts in found) and sum(texts.count for texts in found if texts) <= limit

    @cached_property
    def _is_indexed(self) -> bool:
        return self.tree is not None and self._has_index(self.tree)

    def _has_index(self, node: QueryNode) -> bool:
        """Return whether indexes find the matches of `node`."""
        match node:
            case Term("metadata", operators, str(key)) if self.scope.fetch_metadata_values(key, operators) is not None:
                return True
            case Term() if matches := list_content_matches(node):
                return self._are_texts_listed(matches)
            case Term(name, operators):
                query_field = FIELDS_BY_NAME[name]
                has_wildcard = any(isinstance(operator, Wildcard) for operator in operators)
                serves_operators = query_field.index_serves_wildcards or not has_wildcard
                if query_field.unindexed_values and not _has_only_indexed_values(query_field, operators):
                    return False
                return query_field.index != IndexKind.NONE and serves_operators
            case FreeText():
                return self._are_texts_listed(list_content_matches(node))
            case Not():
                return False
            case And(operands):
                return any(map(self._has_index, operands))
            case Or(operands):
                return all(map(self._has_index, operands))

    @cached_property
    def _leading_term(self) -> Term | None:
        """The term, among those with an index that is sorted newest first, that probably has the fewest runs."""
        terms = [node for node in _conjuncts(self.tree) if isinstance(node, Term) and _has_newest_first_index(node)]
        return min(terms, key=lambda term: (term == _COMPLETED, FIELDS_BY_NAME[term.field].lead_rank), default=None)

    @cached_property
    def _leading_condition(self) -> Q:
        return build_condition(self._leading_term, self.scope) if self._leading_term else MATCH_ALL

    @property
    def _hidden_condition(self) -> Q:
        """`condition` as a CASE, which the planner believes to be true for every other run and to have no index."""
        is_match = When(probe_per_row(self.condition), then=True)
        return Q(Case(is_match, default=False, output_field=BooleanField()))

    # Samples

    @property
    def _sample_size(self) -> int:
        return -(-SAMPLE_SIZE // 2) if self._is_slow else SAMPLE_SIZE

    @property
    def _min_dense_matches(self) -> int:
        """The minimum number of sampled matches for which a scan is worthwhile."""
        if any(query_field.is_rare for query_field in self._fields):
            return PLANNED_PAGE_SIZE
        minimum = MIN_DENSE_MATCHES if self._is_indexed else 1
        if self._lists_texts:
            minimum = MIN_DENSE_LISTED_MATCHES
        return -(-minimum // 2) if self._is_slow else minimum

    @cached_property
    def _sampled_matches(self) -> int:
        return self._count_sampled_matches(MAX_SAMPLED_MATCHES)

    def _count_sampled_matches(self, limit: int) -> int:
        """Return the number of matches, up to `limit`, among the newest runs of the leading term.

        Count again only if an earlier count had a lower limit.
        """
        if limit > self._last_count[0]:
            self._last_count = limit, self._count_in_sample(limit)
        return min(limit, self._last_count[1])

    def _count_in_sample(self, limit: int) -> int:
        runs = self._candidate_runs.filter(self._leading_condition)
        times = runs.order_by("-created_at").values_list("created_at", flat=True)
        oldest = times[self._sample_size : self._sample_size + 1].first()
        if oldest is None:
            return limit  # there are so few runs that any scan is short
        return runs.filter(self._hidden_condition, created_at__gte=oldest).count_at_most(limit - 1)

    def estimate_distance(self, order: Order) -> float:
        """Return about how many runs a scan along `order` reads until it has a page of matches."""
        runs = Run.objects.filter(project=self.scope.project)
        runs = runs.sorted_by(order) if order.is_never_null else runs.with_sort_value(order)
        last = runs.only("id", order.column)[SAMPLE_SIZE : SAMPLE_SIZE + 1].first()
        if last is None:
            matches = MAX_SAMPLED_MATCHES
        else:
            sample = runs.filter(self._hidden_condition).up_to(order.cursor_at(last))
            matches = sample.count_at_most(MAX_SAMPLED_MATCHES - 1)
        return PLANNED_PAGE_SIZE / max(matches, 0.5) * SAMPLE_SIZE

    # Estimates

    def _prefers_bitmap_scan(self, order: Order) -> bool:
        """Return whether a bitmap scan is cheaper than a scan along `order`, in which rows are far apart."""
        if self._has_short_period:
            return True
        distance = self.estimate_distance(order)
        if not self._is_indexed:
            return distance > self._candidate_count
        return distance > MAX_CHEAP_SCAN / 2 and distance * RANDOM_ACCESS_FACTOR > self._estimated_matches

    @property
    def _has_few_candidates(self) -> bool:
        """Return whether few runs are read to find all matches."""
        # One index leads, and the others are not combined with it: all runs of the leading term are read.
        has_combinable_index = any(query_field.index == IndexKind.COMBINABLE for query_field in self._fields)
        if self._leading_term and (self._is_slow or not has_combinable_index):
            return self._candidate_count <= self._max_count_scan
        return self._is_indexed and self._estimated_matches <= self._max_count_scan

    @cached_property
    def _estimated_matches(self) -> float:
        """About the number of all matches, if they are spread evenly."""
        return max(self._sampled_matches, 0.5) / self._sample_size * self._candidate_count

    @cached_property
    def _candidate_count(self) -> int:
        """The number of runs of the leading term; counted up to `MAX_CHEAP_SCAN` if no rollup has it."""
        rollup = FIELDS_BY_NAME[self._leading_term.field].rollup if self._leading_term else DayByModel
        if rollup is None:
            return self._candidate_runs.filter(self._leading_condition).count_at_most(MAX_CHEAP_SCAN)
        rows = rollup._default_manager.filter(self._leading_condition, project=self.scope.project)
        return int(rows.aggregate(runs=Sum("runs"))["runs"] or 0)

    @property
    def _max_count_scan(self) -> int:
        return MAX_SLOW_COUNT_SCAN if self._is_slow else MAX_COUNT_SCAN

    def _find_oldest_counted(self) -> datetime | None:
        """Return when the last run was created that may be read for counting, None if all may be read."""
        runs = self._candidate_runs.filter(self._leading_condition)
        times = runs.order_by("-created_at").values_list("created_at", flat=True)
        return times[self._max_count_scan : self._max_count_scan + 1].first()

    # Times

    @property
    def _candidate_runs(self) -> RunQuerySet:
        """The runs that may match by their time; newer ones would distort a sample."""
        runs, (_, until) = Run.objects.filter(project=self.scope.project), self._created_between
        return runs.filter(created_at__lte=until) if until else runs

    @cached_property
    def _has_short_period(self) -> bool:
        """Return whether few runs were created in the filtered period."""
        since, _ = self._created_between
        if since is None:
            return False
        return self._candidate_runs.filter(created_at__gte=since).count_at_most(MAX_CHEAP_SCAN) <= MAX_CHEAP_SCAN

    @cached_property
    def _created_between(self) -> tuple[datetime | None, datetime | None]:
        """The times between which all matches were created, None where there is no such bound."""
        since: list[datetime] = []
        until: list[datetime | None] = []
        for node in _conjuncts(self.tree):
            match node:
                case Term("metadata", operators, str(key)):
                    until.append(self._find_last_metadata_hour(key, operators))
                case Term("tag", operators):
                    until.append(self.scope.fetch_last_tagged(operators))
                case Term("reviewed", operators):
                    until.append(self.scope.fetch_last_reviewed(operators))
                case Not(Term("tag", operators)):
                    until.append(self.scope.fetch_last_untagged(operators))
                case Not(Term("reviewed", operators)):
                    until.append(self.scope.fetch_last_unreviewed(operators))
                case Term("source", operators) if RunSource.ASSISTANTS in match_sources(operators):
                    until.append(self._find_last_hour_without(set(RunSource) - match_sources(operators)))
                case Not(Term("source", operators)) if RunSource.ASSISTANTS not in match_sources(operators):
                    until.append(self._find_last_hour_without(match_sources(operators)))
                case Term("created" | "started" | "ended" as name, (Comparison(sign, quantity),)):
                    start, end = quantity.bounds(self.scope.now)
                    assert isinstance(start, datetime)  # noqa: S101 - the field is a time
                    if sign in (">", ">=", "=") and name == "created":
                        since.append(start)
                    last = start if sign == "<" else end or start
                    if sign in ("<", "<=", "=") and self._is_after_creation(name, last):
                        until.append(last)
        return max(since, default=None), min(filter(None, until), default=None)

    def _find_last_hour_without(self, sources: set[RunSource]) -> datetime | None:
        """Return the end of the last hour in which a run of none of `sources`, which are derived, was created."""
        hour = self.scope.fetch_last_hour_without(sources) if sources else None
        return hour + timedelta(hours=1) if hour else None

    def _find_last_metadata_hour(self, key: str, operators: tuple[Operator, ...]) -> datetime | None:
        """Return the end of the last hour in which a run with matching metadata was created, if that is known."""
        hours = self.scope.fetch_metadata_values(key, operators)
        return max(hours.values()) + timedelta(hours=1) if hours else None

    def _is_after_creation(self, name: str, until: datetime) -> bool:
        """Return whether all runs whose time `name` is up to `until` were created before it.

        Clocks can differ, so that a run seems to have started or ended before it was created.
        """
        if name == "created":
            return True
        is_before_creation = LessThan(F(f"{name}_at") - F("created_at"), timedelta(0))
        project: Project | None = self.scope.project
        runs = Run.objects.filter(is_before_creation, _LOOKS_SELECTIVE, project=project, **{f"{name}_at__lte": until})
        return not runs.exists()


def _has_only_indexed_values(query_field: QueryField, operators: tuple[Operator, ...]) -> bool:
    return all(
        isinstance(operator, Equals) and operator.value not in query_field.unindexed_values for operator in operators
    )


def _conjuncts(node: QueryNode | None) -> tuple[QueryNode, ...]:
    """Return the nodes that must all match."""
    if isinstance(node, And):
        return node.operands
    return () if node is None else (node,)


def _has_newest_first_index(node: QueryNode) -> bool:
    """Return whether an index has the matches of `node`, newest first."""
    match node:
        case Term(name, (Equals(value),)):
            query_field = FIELDS_BY_NAME[name]
            return query_field.index == IndexKind.NEWEST_FIRST and value not in query_field.unindexed_values
        case Term(name, (Exists(),)):
            return FIELDS_BY_NAME[name].index_serves_exists
    return False
