"""What runs of an error group have more often, or less, than completed runs of the same assistants.

Of both, the newest are compared, as many of each assistant on the one side as on the other as far as there are so
many: otherwise whatever tells assistants apart would look like a cause.
"""

from __future__ import annotations

import json
import math
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from runs.analytics.errors import ErrorTimeRange, select_error_group_runs
from runs.models import Configuration, Project, RunStep
from runs.query import RunFilters
from runs.rollups.time_buckets import LATEST

MAX_CONTRASTED_RUNS = 300
MAX_CONTRASTS = 12
SMALL_SAMPLE_SIZE = 20  # runs on either side, below which chance explains much
_LOOKED_AT = 4  # times as many runs of an assistant are searched for completed ones
_LEAST = 3  # runs that have a thing, on one side, before anything is said of it
_LEAST_DIFFERENCE = 0.05
_LONGEST_VALUE = 100  # characters of what is asked for in a query, for keys too
# How likely it may be at most that chance made such a difference, or a larger one: of anything, that it is told; of one
# of all that were compared, that chance hardly explains it.
_TOLD = 0.1
_CERTAIN = 0.05

_REST = """
    SELECT found.id, found.model, found.configuration_id, found.metadata::text
      FROM unnest(%s::text[], %s::int[]) AS wanted (assistant, most),
           LATERAL (SELECT * FROM (SELECT id, status, model, configuration_id, metadata, created_at
                                     FROM run
                                    WHERE project_id = %s AND assistant_id = wanted.assistant
                                      AND created_at >= %s AND created_at < %s
                                    ORDER BY created_at DESC LIMIT wanted.most * %s) AS newest
                     WHERE status = 'completed' ORDER BY created_at DESC LIMIT wanted.most) AS found"""


@dataclass(frozen=True, slots=True)
class RunAttribute:
    """Something that a run can have. `kind`: model, configuration, tool, function or metadata, which has a `key`.

    A tool is had by a run that could call it or did, a function is called. A metadata `value` of None is any.
    """

    kind: str
    value: str | None
    key: str = ""


@dataclass(frozen=True, slots=True)
class AttributeContrast:
    """How many runs of the group have it, and how many of the others.

    `p_value` is how likely such a difference, or a larger one, would be if both were alike (Fisher's exact test);
    `tested_attributes` is how many things were compared.
    """

    attribute: RunAttribute
    runs: int
    total: int
    other_runs: int
    other_total: int
    p_value: float
    tested_attributes: int

    @property
    def share(self) -> float:
        return self.runs / self.total

    @property
    def other_share(self) -> float:
        return self.other_runs / self.other_total

    @property
    def difference(self) -> float:
        """The difference of the shares, positive where the group has it more often."""
        return self.share - self.other_share

    @property
    def is_significant(self) -> bool:
        """Whether chance hardly explains it, although so much was compared."""
        return self.p_value * self.tested_attributes < _CERTAIN


@dataclass(frozen=True, slots=True)
class ErrorGroupContrast:
    """The differences, the largest first, of `runs` of the group and `other_runs` completed ones of its `assistants`.

    `is_capped`: the group has more runs in this time than were compared.
    """

    contrasts: tuple[AttributeContrast, ...]
    runs: int
    other_runs: int
    assistants: tuple[str, ...]
    is_capped: bool

    @property
    def is_small_sample(self) -> bool:
        return min(self.runs, self.other_runs) < SMALL_SAMPLE_SIZE


@dataclass(frozen=True, slots=True)
class _Looked:
    """What is read of a run."""

    id: uuid.UUID
    model: str | None
    configuration: uuid.UUID
    metadata: Any


def contrast_error_group(
    project: Project, group: uuid.UUID, filters: RunFilters, window: ErrorTimeRange, now: datetime
) -> ErrorGroupContrast:
    """What differs, within the time of `window`; of the group's runs those that match. Four queries."""
    columns = ("id", "model", "configuration_id", "metadata", "assistant_id")
    newest = select_error_group_runs(project, group, filters, now).newest_first()
    found = list(newest.values_list(*columns)[: MAX_CONTRASTED_RUNS + 1])
    kept = found[:MAX_CONTRASTED_RUNS]
    assistants = Counter(assistant for *_, assistant in kept)
    runs = [_Looked(*rest) for *rest, _ in kept]
    others = _others(project, assistants, filters, window) if runs else []
    differences = _differences(project, runs, others) if others else ()
    return ErrorGroupContrast(
        differences, len(runs), len(others), tuple(sorted(assistants)), len(found) > MAX_CONTRASTED_RUNS
    )


def _others(
    project: Project, assistants: Mapping[str, int], filters: RunFilters, window: ErrorTimeRange
) -> list[_Looked]:
    total, names = sum(assistants.values()), sorted(assistants)
    most = [math.ceil(MAX_CONTRASTED_RUNS * assistants[name] / total) for name in names]
    until = window.until if filters.until else LATEST
    with connection.cursor() as cursor:
        cursor.execute(_REST, (names, most, project.pk, window.since, until, _LOOKED_AT))
        rows = cursor.fetchall()
    return [_Looked(key, model, used, json.loads(metadata or "null")) for key, model, used, metadata in rows]


def _differences(project: Project, runs: Sequence[_Looked], others: Sequence[_Looked]) -> tuple[AttributeContrast, ...]:
    configured = _configured(project, {run.configuration for run in (*runs, *others)})
    called = RunStep.objects.called_tools_by_run([run.id for run in (*runs, *others)])
    there, elsewhere = (
        Counter(each for run in some for each in _attributes(run, configured, called)) for some in (runs, others)
    )
    tried = [each for each in there.keys() | elsewhere.keys() if max(there[each], elsewhere[each]) >= _LEAST]
    found = (
        _difference(each, there[each], len(runs), elsewhere[each], len(others), len(tried))
        for each in tried
        if abs(there[each] / len(runs) - elsewhere[each] / len(others)) >= _LEAST_DIFFERENCE
    )
    return tuple(_ranked(each for each in found if each.p_value < _TOLD))


def _difference(attribute: RunAttribute, count: int, of: int, rest: int, of_rest: int, tried: int) -> AttributeContrast:
    return AttributeContrast(attribute, count, of, rest, of_rest, fisher_exact_p_value(count, of, rest, of_rest), tried)


def fisher_exact_p_value(count: int, of: int, rest: int, of_rest: int) -> float:
    """How likely it is that shares differ so much or more, were `count + rest` runs dealt to both sides by chance."""
    having = count + rest
    likely = [_dealt(each, of, having - each, of_rest) for each in range(max(0, having - of_rest), min(of, having) + 1)]
    given = _dealt(count, of, rest, of_rest)
    return min(1.0, sum(each for each in likely if each <= given * (1 + 1e-9)))


def _dealt(count: int, of: int, rest: int, of_rest: int) -> float:
    """How likely exactly these counts are."""
    ways = _log_ways(of, count) + _log_ways(of_rest, rest) - _log_ways(of + of_rest, count + rest)
    return math.exp(ways)


def _log_ways(whole: int, part: int) -> float:
    """The logarithm of the number of ways to choose `part` of `whole`."""
    return math.lgamma(whole + 1) - math.lgamma(part + 1) - math.lgamma(whole - part + 1)


def _ranked(found: Iterable[AttributeContrast]) -> list[AttributeContrast]:
    """The largest first. Where the group has one value of a kind more often, it has others less: nothing new."""
    ordered = sorted(found, key=lambda each: (-abs(each.difference), each.difference < 0, repr(each.attribute)))
    more = {(each.attribute.kind, each.attribute.key) for each in ordered if each.difference > 0 and _is_single(each)}
    told = [each for each in ordered if each.difference > 0 or (each.attribute.kind, each.attribute.key) not in more]
    return told[:MAX_CONTRASTS]


def _is_single(difference: AttributeContrast) -> bool:
    """Whether a run has one value of that kind at most."""
    return difference.attribute.kind in ("model", "configuration") or (
        difference.attribute.kind == "metadata" and difference.attribute.value is not None
    )


def _configured(project: Project, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, frozenset[str]]:
    """The tools of each of those configurations, by type and by function name."""
    found = Configuration.objects.fetch_tools(project, ids)
    return {key: frozenset((*types, *functions)) for key, types, functions in found}


def _attributes(
    run: _Looked, configured: Mapping[uuid.UUID, frozenset[str]], called: Mapping[uuid.UUID, frozenset[tuple[str, str]]]
) -> Iterator[RunAttribute]:
    if run.model:
        yield RunAttribute("model", run.model)
    yield RunAttribute("configuration", run.configuration.hex)
    calls = called.get(run.id, frozenset())
    tools = configured.get(run.configuration, frozenset()).union(*calls)
    yield from (RunAttribute("tool", name) for name in tools if name and name != "function")
    yield from (RunAttribute("function", name) for name, kind in calls if name and kind == "function")
    if isinstance(run.metadata, dict):
        askable = ((key, value) for key, value in run.metadata.items() if 0 < len(key) <= _LONGEST_VALUE)
        for key, value in askable:
            yield RunAttribute("metadata", None, key)
            text = _text(value)
            if text and len(text) <= _LONGEST_VALUE:
                yield RunAttribute("metadata", text, key)


def _text(value: Any) -> str | None:
    """A value as it is asked for in a query; None where it can't be."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, bool | int) else None
