"""The values that occur in a project with their numbers of runs, most frequent first. Every read is bounded.

Arguments named `pattern` are ILIKE patterns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q, Sum

from runs.db import sql
from runs.models import Assistant, DayByModel, HourByAssistant, HourBySource, Project, Run, RunSource, RunTag
from runs.models.rollup import RunRollup

MAX_SAMPLED_RUNS = 10_000
# Of these, tools, functions and steps are joined, which costs more than reading a column.
MAX_JOINED_RUNS = 2_000
MAX_COUNTED_VALUES = 50

ValueCounts = list[tuple[str, int]]

# Each finds pairs of a run's id and one of its values; `newest` are the counted runs.
_VALUES_OF_COLUMN = "SELECT id, {column} AS value FROM newest"
_VALUES_OF_ARRAY = "SELECT DISTINCT id, value FROM newest, unnest({column}) AS value"
_VALUES_OF_CONFIGURATION = """
    SELECT DISTINCT newest.id, value FROM newest JOIN configuration ON configuration.id = configuration_id,
           unnest({array}) AS value"""
_VALUES_OF_STEPS = """
    SELECT DISTINCT newest.id, value FROM newest JOIN run_step ON run_step.run_id = newest.id,
           unnest({array}) AS value WHERE {condition}"""
_CALLED_FUNCTIONS = """
    SELECT DISTINCT newest.id, name AS value FROM newest JOIN run_step ON run_step.run_id = newest.id,
           unnest(run_step.tool_types, run_step.tool_names) AS call (type, name) WHERE call.type = 'function'"""
_TAGS = "SELECT newest.id, tag AS value FROM newest JOIN run_tag ON run_tag.run_id = newest.id"
_REVIEWERS = "SELECT newest.id, reviewer AS value FROM newest JOIN run_review ON run_review.run_id = newest.id"
# One server sends an empty array in place of an object; an array has no keys.
_METADATA = (
    "jsonb_each_text(CASE jsonb_typeof(metadata) WHEN 'object' THEN metadata ELSE '{}' END) AS pair (key, value)"
)

_COUNTS = """
    WITH newest AS MATERIALIZED ({newest}), pairs AS ({pairs})
    SELECT value, count(*) FROM pairs WHERE value ILIKE %s GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {limit}"""


@dataclass(frozen=True, slots=True)
class CountedRuns:
    """The runs whose values are counted: those of a project that meet `condition`, or all if it is None.

    Values with a rollup are counted in all runs of a project, others in the newest ones.
    """

    project: Project
    condition: Q | None = None

    def count_values(
        self, pairs: str, pattern: str, *columns: str, limit: int = MAX_SAMPLED_RUNS, pairs_params: Sequence[str] = ()
    ) -> ValueCounts:
        """Count the values that SQL for pairs of a run and a value finds in the newest runs.

        Args:
            pairs: The SQL, whose table `newest` has the ids and `columns` of the runs.
            pattern: Which values are counted.
            columns: Columns of runs.
            limit: The maximum number of runs that are read.
            pairs_params: The parameters of `pairs`.
        """
        runs = Run.objects.in_project(self.project)
        selected = runs if self.condition is None else runs.filter(self.condition)
        newest, params = sql.compile_query(selected.newest_first().values("id", *columns)[:limit])
        statement = _COUNTS.format(newest=newest, pairs=pairs, limit=MAX_COUNTED_VALUES)
        with connection.cursor() as cursor:
            cursor.execute(statement, (*params, *pairs_params, pattern))
            return list(cursor.fetchall())

    def count_column(self, column: str, pattern: str) -> ValueCounts:
        """Count the values of a column."""
        return self.count_values(_VALUES_OF_COLUMN.format(column=column), pattern, column)

    def count_rollup(self, rollup: type[RunRollup], column: str, pattern: str) -> ValueCounts:
        """Count the values of a column that a rollup of all runs has."""
        if self.condition is not None:
            return self.count_column(column, pattern)
        return _fetch_rollup_counts(rollup, column, self.project, Q(**{f"{column}__ilike": pattern}))


def fetch_status_values(runs: CountedRuns, pattern: str) -> ValueCounts:
    """Return the statuses."""
    return runs.count_rollup(DayByModel, "status", pattern)


def fetch_model_values(runs: CountedRuns, pattern: str) -> ValueCounts:
    """Return the models."""
    return runs.count_rollup(DayByModel, "model", pattern)


def fetch_error_code_values(runs: CountedRuns, pattern: str) -> ValueCounts:
    """Return the error codes."""
    return runs.count_rollup(DayByModel, "error_code", pattern)


def fetch_source_values(runs: CountedRuns, _: str) -> ValueCounts:
    """Return the sources. Runs that are not counted by source were posted as runs."""
    if runs.condition is not None:
        numbers = runs.count_values("SELECT id, source::text AS value FROM newest", "%", "source")
        return [(RunSource(int(source)).label, count) for source, count in numbers]
    total = DayByModel.objects.filter(project=runs.project).aggregate(total=Sum("runs", default=0))["total"]
    rows = HourBySource.objects.filter(project=runs.project).values_list("source").annotate(total=Sum("runs"))
    counts = Counter({RunSource(source).label: int(count) for source, count in rows})
    counts[RunSource.ASSISTANTS.label] = int(total) - counts.total()
    return _sort_by_count(+counts)


def fetch_assistant_values(runs: CountedRuns, pattern: str) -> ValueCounts:
    """Return the assistants: the name if the name matches, else the id.

    Assistants with the same name are counted together.
    """
    names = Assistant.objects.names_like(runs.project, pattern)
    if runs.condition is None:
        is_match = Q(assistant_id__ilike=pattern) | Q(assistant_id__in=list(names))
        ids = _fetch_rollup_counts(HourByAssistant, "assistant_id", runs.project, is_match)
    else:
        ids = runs.count_column("assistant_id", "%" if names else pattern)
    counts: Counter[str] = Counter()
    for assistant_id, count in ids:
        counts[names.get(assistant_id, assistant_id)] += count
    return _sort_by_count(counts)


def fetch_reason_values(runs: CountedRuns, pattern: str) -> ValueCounts:
    """Return the reasons of incomplete runs."""
    return runs.count_column("incomplete_reason", pattern)


def fetch_awaited_function_values(runs: CountedRuns, pattern: str) -> ValueCounts:
    """Return the functions whose output runs await."""
    pairs = _VALUES_OF_ARRAY.format(column="pending_functions")
    return runs.count_values(pairs, pattern, "pending_functions")


def fetch_tag_values(runs: CountedRuns, pattern: str) -> ValueCounts:
    """Return the tags."""
    return runs.count_values(_TAGS, pattern)


def fetch_reviewer_values(runs: CountedRuns, pattern: str) -> ValueCounts:
    """Return the names of the users who reviewed runs."""
    return runs.count_values(_REVIEWERS, pattern)


def fetch_recent_tags(project: Project) -> ValueCounts:
    """Return the tags of the newest tagged runs, by the times at which they were added."""
    tags = RunTag.objects.in_project(project).order_by("-created_at")
    return _sort_by_count(Counter(tags.values_list("tag", flat=True)[:MAX_SAMPLED_RUNS]))


def fetch_tool_values(runs: CountedRuns, pattern: str) -> ValueCounts:
    """Return the tool types and functions that runs have or called."""
    own = _VALUES_OF_CONFIGURATION.format(array="tool_types || function_names")
    called = _VALUES_OF_STEPS.format(array="run_step.tool_types || run_step.tool_names", condition="true")
    return runs.count_values(f"{own} UNION {called}", pattern, "configuration_id", limit=MAX_JOINED_RUNS)


def fetch_defined_function_values(runs: CountedRuns, pattern: str) -> ValueCounts:
    """Return the functions that configurations of runs define."""
    pairs = _VALUES_OF_CONFIGURATION.format(array="function_names")
    return runs.count_values(pairs, pattern, "configuration_id", limit=MAX_JOINED_RUNS)


def fetch_called_function_values(runs: CountedRuns, pattern: str) -> ValueCounts:
    """Return the functions that runs called."""
    return runs.count_values(_CALLED_FUNCTIONS, pattern, limit=MAX_JOINED_RUNS)


def fetch_failed_call_values(runs: CountedRuns, pattern: str) -> ValueCounts:
    """Return the tools and functions that runs called in failed steps."""
    pairs = _VALUES_OF_STEPS.format(array="run_step.tool_names", condition="run_step.status = 'failed'")
    return runs.count_values(pairs, pattern, limit=MAX_JOINED_RUNS)


def fetch_invalid_call_values(runs: CountedRuns, pattern: str) -> ValueCounts:
    """Return the functions that runs called with invalid arguments."""
    pairs = _VALUES_OF_STEPS.format(array="run_step.invalid_calls", condition="true")
    return runs.count_values(pairs, pattern, limit=MAX_JOINED_RUNS)


def fetch_metadata_key_values(runs: CountedRuns, pattern: str) -> ValueCounts:
    """Return the metadata keys."""
    return runs.count_values(f"SELECT id, key AS value FROM newest, {_METADATA}", pattern, "metadata")  # noqa: S608


def fetch_metadata_value_counts(runs: CountedRuns, key: str, pattern: str) -> ValueCounts:
    """Return the values of one metadata key."""
    pairs = f"SELECT id, value FROM newest, {_METADATA} WHERE key = %s"  # noqa: S608
    return runs.count_values(pairs, pattern, "metadata", pairs_params=(key,))


def _fetch_rollup_counts(rollup: type[RunRollup], column: str, project: Project, is_match: Q) -> ValueCounts:
    rows = rollup._default_manager.filter(is_match, project=project)
    sums = rows.values(column).annotate(total=Sum("runs")).filter(total__gt=0).order_by("-total", column)
    return [(value, int(total)) for value, total in sums.values_list(column, "total")[:MAX_COUNTED_VALUES]]


def _sort_by_count(counts: Counter[str]) -> ValueCounts:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
