"""The values that occur, with how many runs each has, most frequent first. Every read here is bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db import connection
from django.db.models import Q, Sum

from runs.models import Assistant, Configuration, DayByModel, HourByAssistant, Project, Run, RunTag
from runs.models.rollup import RunRollup

MAX_SAMPLED_RUNS = 10_000
MAX_COUNTED_VALUES = 50
_MOST_CONFIGURATIONS = 1000

ValueCounts = list[tuple[str, int]]

# an array, which one server sends for none, has no keys
_NEWEST = """
    (SELECT metadata FROM run WHERE project_id = %s ORDER BY created_at DESC, id DESC LIMIT %s) AS newest,
    jsonb_each_text(CASE jsonb_typeof(metadata) WHEN 'object' THEN metadata ELSE '{}' END) AS pair(key, value)"""


def fetch_status_values(project: Project, pattern: str) -> ValueCounts:
    """Of all runs; `pattern` is what ILIKE takes, here and below."""
    return _fetch_rollup_counts(DayByModel, "status", project, pattern)


def fetch_model_values(project: Project, pattern: str) -> ValueCounts:
    """Of all runs."""
    return _fetch_rollup_counts(DayByModel, "model", project, pattern)


def fetch_error_code_values(project: Project, pattern: str) -> ValueCounts:
    """Codes, of all runs."""
    return _fetch_rollup_counts(DayByModel, "error_code", project, pattern)


def fetch_assistant_values(project: Project, pattern: str) -> ValueCounts:
    """Names where what was typed is in one, otherwise ids, of all runs. Assistants of one name count together."""
    named = Assistant.objects.names_like(project, pattern)
    found: Counter[str] = Counter()
    for assistant_id, runs in _fetch_rollup_counts(HourByAssistant, "assistant_id", project, pattern, also=named):
        found[named.get(assistant_id, assistant_id)] += runs
    return _sort_by_count(found)


def fetch_reason_values(project: Project, _: str) -> ValueCounts:
    """Of the newest incomplete runs."""
    found = Run.objects.in_project(project).filter(incomplete_reason__isnull=False).newest_first()
    values = found.values_list("incomplete_reason", flat=True)[:MAX_SAMPLED_RUNS]
    return _sort_by_count(Counter(value for value in values if value is not None))


def fetch_awaited_function_values(project: Project, _: str) -> ValueCounts:
    """Functions, of the newest runs that wait for an output."""
    found = Run.objects.in_project(project).filter(awaited__isnull=False).newest_first()
    lists = found.values_list("awaited", flat=True)[:MAX_SAMPLED_RUNS]
    return _sort_by_count(Counter(name for names in lists for name in dict.fromkeys(names or ())))


def fetch_tag_values(project: Project, _: str) -> ValueCounts:
    """Of the newest runs that have any."""
    newest = RunTag.objects.in_project(project).order_by("-created_at")
    return _sort_by_count(Counter(newest.values_list("tag", flat=True)[:MAX_SAMPLED_RUNS]))


def fetch_defined_function_values(project: Project, _: str) -> ValueCounts:
    """Names that configurations define, with the number of these."""
    return _sort_by_count(_in_configurations(project, "function_names"))


def fetch_tool_values(project: Project, _: str) -> ValueCounts:
    """Kinds of tools and names of functions that configurations have, with the number of these."""
    return _sort_by_count(_in_configurations(project, "tool_types") + _in_configurations(project, "function_names"))


def fetch_metadata_key_values(project: Project, pattern: str) -> ValueCounts:
    """Of the newest runs."""
    statement = f"""SELECT key, count(*) FROM {_NEWEST} WHERE key ILIKE %s
                     GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s"""  # noqa: S608
    return _fetch_rows(statement, project.pk, MAX_SAMPLED_RUNS, pattern, MAX_COUNTED_VALUES)


def fetch_metadata_value_counts(project: Project, key: str, pattern: str) -> ValueCounts:
    """Of the newest runs, at one key."""
    statement = f"""SELECT value, count(*) FROM {_NEWEST} WHERE key = %s AND value ILIKE %s
                     GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s"""  # noqa: S608
    return _fetch_rows(statement, project.pk, MAX_SAMPLED_RUNS, key, pattern, MAX_COUNTED_VALUES)


def _fetch_rows(statement: str, *parameters: str | int) -> ValueCounts:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def _fetch_rollup_counts(
    rollup: type[RunRollup], column: str, project: Project, pattern: str, *, also: Iterable[str] = ()
) -> ValueCounts:
    """The values of a column that are like `pattern`, and those of `also`."""
    like = Q(**{f"{column}__ilike": pattern}) | Q(**{f"{column}__in": list(also)})
    found = rollup._default_manager.filter(like, project=project)
    sums = found.values(column).annotate(total=Sum("runs")).filter(total__gt=0).order_by("-total", column)
    return [(value, int(total)) for value, total in sums.values_list(column, "total")[:MAX_COUNTED_VALUES]]


def _in_configurations(project: Project, column: str) -> Counter[str]:
    lists: Iterable[list[str]] = Configuration.objects.filter(project=project).values_list(column, flat=True)[
        :_MOST_CONFIGURATIONS
    ]
    return Counter(name for names in lists for name in dict.fromkeys(names))


def _sort_by_count(counter: Counter[str]) -> ValueCounts:
    return sorted(counter.items(), key=lambda pair: (-pair[1], pair[0]))
