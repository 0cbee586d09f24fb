"""The values that occur, with how many runs each has, most frequent first. Every read here is bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db import connection
from django.db.models import Q, Sum

from runs.models import Assistant, Configuration, DayByModel, HourByAssistant, Project, Run, RunTag
from runs.models.rollup import Sums

NEWEST = 10_000
MOST_VALUES = 50
_MOST_CONFIGURATIONS = 1000

Counted = list[tuple[str, int]]

# an array, which one server sends for none, has no keys
_NEWEST = """
    (SELECT metadata FROM run WHERE project_id = %s ORDER BY created_at DESC, id DESC LIMIT %s) AS newest,
    jsonb_each_text(CASE jsonb_typeof(metadata) WHEN 'object' THEN metadata ELSE '{}' END) AS pair(key, value)"""


def statuses(project: Project, pattern: str) -> Counted:
    """Of all runs; `pattern` is what ILIKE takes, here and below."""
    return _summed(DayByModel, "status", project, pattern)


def models(project: Project, pattern: str) -> Counted:
    """Of all runs."""
    return _summed(DayByModel, "model", project, pattern)


def errors(project: Project, pattern: str) -> Counted:
    """Codes, of all runs."""
    return _summed(DayByModel, "error_code", project, pattern)


def assistants(project: Project, pattern: str) -> Counted:
    """Names where what was typed is in one, otherwise ids, of all runs. Assistants of one name count together."""
    named = Assistant.objects.named_like(project, pattern)
    found: Counter[str] = Counter()
    for assistant_id, runs in _summed(HourByAssistant, "assistant_id", project, pattern, also=named):
        found[named.get(assistant_id, assistant_id)] += runs
    return _ranked(found)


def reasons(project: Project, _: str) -> Counted:
    """Of the newest incomplete runs."""
    found = Run.objects.in_project(project).filter(incomplete_reason__isnull=False).newest_first()
    values = found.values_list("incomplete_reason", flat=True)[:NEWEST]
    return _ranked(Counter(value for value in values if value is not None))


def awaited(project: Project, _: str) -> Counted:
    """Functions, of the newest runs that wait for an output."""
    found = Run.objects.in_project(project).filter(awaited__isnull=False).newest_first()
    lists = found.values_list("awaited", flat=True)[:NEWEST]
    return _ranked(Counter(name for names in lists for name in dict.fromkeys(names or ())))


def tags(project: Project, _: str) -> Counted:
    """Of the newest runs that have any."""
    newest = RunTag.objects.in_project(project).order_by("-created_at")
    return _ranked(Counter(newest.values_list("tag", flat=True)[:NEWEST]))


def functions(project: Project, _: str) -> Counted:
    """Names that configurations define, with the number of these."""
    return _ranked(_in_configurations(project, "function_names"))


def tools(project: Project, _: str) -> Counted:
    """Kinds of tools and names of functions that configurations have, with the number of these."""
    return _ranked(_in_configurations(project, "tool_types") + _in_configurations(project, "function_names"))


def metadata_keys(project: Project, pattern: str) -> Counted:
    """Of the newest runs."""
    statement = f"""SELECT key, count(*) FROM {_NEWEST} WHERE key ILIKE %s
                     GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s"""  # noqa: S608
    return _fetched(statement, project.pk, NEWEST, pattern, MOST_VALUES)


def metadata_values(project: Project, key: str, pattern: str) -> Counted:
    """Of the newest runs, at one key."""
    statement = f"""SELECT value, count(*) FROM {_NEWEST} WHERE key = %s AND value ILIKE %s
                     GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s"""  # noqa: S608
    return _fetched(statement, project.pk, NEWEST, key, pattern, MOST_VALUES)


def _fetched(statement: str, *parameters: str | int) -> Counted:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def _summed(rollup: type[Sums], column: str, project: Project, pattern: str, *, also: Iterable[str] = ()) -> Counted:
    """The values of a column that are like `pattern`, and those of `also`."""
    like = Q(**{f"{column}__ilike": pattern}) | Q(**{f"{column}__in": list(also)})
    found = rollup._default_manager.filter(like, project=project)
    sums = found.values(column).annotate(total=Sum("runs")).filter(total__gt=0).order_by("-total", column)
    return [(value, int(total)) for value, total in sums.values_list(column, "total")[:MOST_VALUES]]


def _in_configurations(project: Project, column: str) -> Counter[str]:
    lists: Iterable[list[str]] = Configuration.objects.filter(project=project).values_list(column, flat=True)[
        :_MOST_CONFIGURATIONS
    ]
    return Counter(name for names in lists for name in dict.fromkeys(names))


def _ranked(counter: Counter[str]) -> Counted:
    return sorted(counter.items(), key=lambda pair: (-pair[1], pair[0]))
