"""The values that occur in a project with their numbers of runs, most frequent first. Every read is bounded.

Arguments named `pattern` are ILIKE patterns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db import connection
from django.db.models import Q, Sum

from runs.models import (
    Assistant,
    Configuration,
    DayByModel,
    HourByAssistant,
    HourBySource,
    Project,
    Run,
    RunSource,
    RunTag,
)
from runs.models.rollup import RunRollup

MAX_SAMPLED_RUNS = 10_000
MAX_COUNTED_VALUES = 50
_MAX_CONFIGURATIONS = 1000

ValueCounts = list[tuple[str, int]]

# One server sends an empty array in place of an object; an array has no keys.
_NEWEST_METADATA = """
    (SELECT metadata FROM run WHERE project_id = %s ORDER BY created_at DESC, id DESC LIMIT %s) AS newest,
    jsonb_each_text(CASE jsonb_typeof(metadata) WHEN 'object' THEN metadata ELSE '{}' END) AS pair(key, value)"""


def fetch_status_values(project: Project, pattern: str) -> ValueCounts:
    """Return the statuses of all runs."""
    return _fetch_rollup_counts(DayByModel, "status", project, pattern)


def fetch_model_values(project: Project, pattern: str) -> ValueCounts:
    """Return the models of all runs."""
    return _fetch_rollup_counts(DayByModel, "model", project, pattern)


def fetch_source_values(project: Project, _: str) -> ValueCounts:
    """Return the sources of all runs. Those that are not counted by source were posted as runs."""
    runs = DayByModel.objects.filter(project=project).aggregate(total=Sum("runs", default=0))["total"]
    rows = HourBySource.objects.filter(project=project).values_list("source").annotate(total=Sum("runs"))
    counts = Counter({RunSource(source).label: int(total) for source, total in rows})
    counts[RunSource.ASSISTANTS.label] = int(runs) - counts.total()
    return _sort_by_count(+counts)


def fetch_error_code_values(project: Project, pattern: str) -> ValueCounts:
    """Return the error codes of all runs."""
    return _fetch_rollup_counts(DayByModel, "error_code", project, pattern)


def fetch_assistant_values(project: Project, pattern: str) -> ValueCounts:
    """Return the assistants of all runs: the name if the name matches, else the id.

    Assistants with the same name are counted together.
    """
    names = Assistant.objects.names_like(project, pattern)
    counts: Counter[str] = Counter()
    for assistant_id, runs in _fetch_rollup_counts(
        HourByAssistant, "assistant_id", project, pattern, extra_values=names
    ):
        counts[names.get(assistant_id, assistant_id)] += runs
    return _sort_by_count(counts)


def fetch_reason_values(project: Project, _: str) -> ValueCounts:
    """Return the reasons of the newest incomplete runs."""
    runs = Run.objects.in_project(project).filter(incomplete_reason__isnull=False).newest_first()
    reasons = runs.values_list("incomplete_reason", flat=True)[:MAX_SAMPLED_RUNS]
    return _sort_by_count(Counter(reason for reason in reasons if reason is not None))


def fetch_awaited_function_values(project: Project, _: str) -> ValueCounts:
    """Return the functions whose output the newest waiting runs await."""
    runs = Run.objects.in_project(project).filter(pending_functions__isnull=False).newest_first()
    name_lists = runs.values_list("pending_functions", flat=True)[:MAX_SAMPLED_RUNS]
    return _sort_by_count(Counter(name for names in name_lists for name in dict.fromkeys(names or ())))


def fetch_tag_values(project: Project, _: str) -> ValueCounts:
    """Return the tags of the newest tagged runs."""
    tags = RunTag.objects.in_project(project).order_by("-created_at")
    return _sort_by_count(Counter(tags.values_list("tag", flat=True)[:MAX_SAMPLED_RUNS]))


def fetch_defined_function_values(project: Project, _: str) -> ValueCounts:
    """Return the functions that configurations define, with their numbers of configurations."""
    return _sort_by_count(_count_in_configurations(project, "function_names"))


def fetch_tool_values(project: Project, _: str) -> ValueCounts:
    """Return the tool types and functions of configurations, with their numbers of configurations."""
    types = _count_in_configurations(project, "tool_types")
    return _sort_by_count(types + _count_in_configurations(project, "function_names"))


def fetch_metadata_key_values(project: Project, pattern: str) -> ValueCounts:
    """Return the metadata keys of the newest runs."""
    statement = f"""SELECT key, count(*) FROM {_NEWEST_METADATA} WHERE key ILIKE %s
                     GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s"""  # noqa: S608
    return _fetch_rows(statement, project.pk, MAX_SAMPLED_RUNS, pattern, MAX_COUNTED_VALUES)


def fetch_metadata_value_counts(project: Project, key: str, pattern: str) -> ValueCounts:
    """Return the values of one metadata key of the newest runs."""
    statement = f"""SELECT value, count(*) FROM {_NEWEST_METADATA} WHERE key = %s AND value ILIKE %s
                     GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s"""  # noqa: S608
    return _fetch_rows(statement, project.pk, MAX_SAMPLED_RUNS, key, pattern, MAX_COUNTED_VALUES)


def _fetch_rows(statement: str, *parameters: str | int) -> ValueCounts:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def _fetch_rollup_counts(
    rollup: type[RunRollup], column: str, project: Project, pattern: str, *, extra_values: Iterable[str] = ()
) -> ValueCounts:
    """Return the values of a rollup's column that match `pattern` or are among `extra_values`."""
    is_match = Q(**{f"{column}__ilike": pattern}) | Q(**{f"{column}__in": list(extra_values)})
    rows = rollup._default_manager.filter(is_match, project=project)
    sums = rows.values(column).annotate(total=Sum("runs")).filter(total__gt=0).order_by("-total", column)
    return [(value, int(total)) for value, total in sums.values_list(column, "total")[:MAX_COUNTED_VALUES]]


def _count_in_configurations(project: Project, column: str) -> Counter[str]:
    configurations = Configuration.objects.filter(project=project)
    name_lists: Iterable[list[str]] = configurations.values_list(column, flat=True)[:_MAX_CONFIGURATIONS]
    return Counter(name for names in name_lists for name in dict.fromkeys(names))


def _sort_by_count(counts: Counter[str]) -> ValueCounts:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
