"""Attributes that runs of an error group have more, or less, often than completed runs of the same assistants.

The newest runs of both are compared. They are matched by assistant as far as there are enough runs; otherwise every
difference between assistants would look like a cause.
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

# Runs that are read on each side.
MAX_CONTRASTED_RUNS = 300
MAX_CONTRASTS = 12
# With fewer runs on one side, chance may explain the contrasts.
SMALL_SAMPLE_SIZE = 20
# An attribute is tested if at least this many runs of one side have it, and reported if the shares differ this much.
_MIN_RUNS = 3
_MIN_DIFFERENCE = 0.05
# Reported differences have a lower p-value. Significant ones still have a lower one after Bonferroni's correction.
_MAX_REPORTED_P_VALUE = 0.1
_MAX_SIGNIFICANT_P_VALUE = 0.05
# Longer metadata keys and values cannot be used in a query.
_MAX_METADATA_LENGTH = 100
# Completed runs are searched for among this many times as many runs of an assistant.
_SEARCH_FACTOR = 4

# The newest completed runs of each assistant, up to its limit.
_COMPLETED = """
    SELECT completed.id, completed.model, completed.configuration_id, completed.metadata::text
      FROM unnest(%s::text[], %s::int[]) AS assistant (id, max_runs),
           LATERAL (
             SELECT * FROM (
               SELECT id, status, model, configuration_id, metadata, created_at
                 FROM run
                WHERE project_id = %s AND assistant_id = assistant.id AND created_at >= %s AND created_at < %s
                ORDER BY created_at DESC LIMIT assistant.max_runs * %s) AS newest
              WHERE status = 'completed' ORDER BY created_at DESC LIMIT assistant.max_runs) AS completed"""


@dataclass(frozen=True, slots=True)
class RunAttribute:
    """Something that a run can have, by kind: `model`, `configuration`, `tool`, `function` or `metadata`.

    A run has a tool if it could call it or did, and a function if it called it. Metadata has a `key`; the value None
    stands for any value.
    """

    kind: str
    value: str | None
    key: str = ""


@dataclass(frozen=True, slots=True)
class AttributeContrast:
    """The number of runs that have an attribute: `runs` of `total` in the group, `other_runs` of `other_total`.

    `p_value` is the probability of such a difference, or a larger one, if both sides were alike (Fisher's exact test).
    `tested_attributes` is the number of attributes that were tested.
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
        """The share of the runs of the group."""
        return self.runs / self.total

    @property
    def other_share(self) -> float:
        """The share of the other runs."""
        return self.other_runs / self.other_total

    @property
    def difference(self) -> float:
        """The difference of the shares, positive if the group has the attribute more often."""
        return self.share - self.other_share

    @property
    def is_significant(self) -> bool:
        """Return whether the difference is significant at 5 %, corrected for the number of tests (Bonferroni)."""
        return self.p_value * self.tested_attributes < _MAX_SIGNIFICANT_P_VALUE


@dataclass(frozen=True, slots=True)
class ErrorGroupContrast:
    """The contrasts, the largest difference first, of `runs` of the group and `other_runs` of its `assistants`.

    `is_capped` says that the group has more runs in this time.
    """

    contrasts: tuple[AttributeContrast, ...]
    runs: int
    other_runs: int
    assistants: tuple[str, ...]
    is_capped: bool

    @property
    def is_small_sample(self) -> bool:
        """Return whether there are so few runs on one side that chance may explain the contrasts."""
        return min(self.runs, self.other_runs) < SMALL_SAMPLE_SIZE


@dataclass(frozen=True, slots=True)
class _ContrastedRun:
    """The fields of a run that its attributes are derived from."""

    id: uuid.UUID
    model: str | None
    configuration_id: uuid.UUID
    metadata: Any


def contrast_error_group(
    project: Project, group_id: uuid.UUID, filters: RunFilters, time_range: ErrorTimeRange, now: datetime
) -> ErrorGroupContrast:
    """Compare the runs of a group that match `filters` with completed runs of the time range; four queries."""
    columns = ("id", "model", "configuration_id", "metadata", "assistant_id")
    newest = select_error_group_runs(project, group_id, filters, now).newest_first()
    rows = list(newest.values_list(*columns)[: MAX_CONTRASTED_RUNS + 1])
    is_capped = len(rows) > MAX_CONTRASTED_RUNS
    rows = rows[:MAX_CONTRASTED_RUNS]
    runs = [_ContrastedRun(*values) for *values, _ in rows]
    runs_by_assistant = Counter(assistant_id for *_, assistant_id in rows)
    others = _fetch_completed(project, runs_by_assistant, filters, time_range) if runs else []
    contrasts = _build_contrasts(project, runs, others) if others else ()
    return ErrorGroupContrast(contrasts, len(runs), len(others), tuple(sorted(runs_by_assistant)), is_capped)


def _fetch_completed(
    project: Project, runs_by_assistant: Mapping[str, int], filters: RunFilters, time_range: ErrorTimeRange
) -> list[_ContrastedRun]:
    """Return completed runs, for each assistant in proportion to its runs in the group."""
    total, assistant_ids = sum(runs_by_assistant.values()), sorted(runs_by_assistant)
    limits = [math.ceil(MAX_CONTRASTED_RUNS * runs_by_assistant[key] / total) for key in assistant_ids]
    until = time_range.until if filters.until else LATEST
    with connection.cursor() as cursor:
        cursor.execute(_COMPLETED, (assistant_ids, limits, project.pk, time_range.since, until, _SEARCH_FACTOR))
        rows = cursor.fetchall()
    return [
        _ContrastedRun(pk, model, configuration_id, json.loads(metadata or "null"))
        for pk, model, configuration_id, metadata in rows
    ]


def _build_contrasts(
    project: Project, runs: Sequence[_ContrastedRun], others: Sequence[_ContrastedRun]
) -> tuple[AttributeContrast, ...]:
    # 1. Count the runs of each side that have an attribute.
    everything = (*runs, *others)
    tools = _fetch_tools(project, {run.configuration_id for run in everything})
    calls = RunStep.objects.called_tools_by_run([run.id for run in everything])
    counts, other_counts = (
        Counter(attribute for run in side for attribute in _iter_attributes(run, tools, calls))
        for side in (runs, others)
    )
    # 2. Test the attributes that occur often enough.
    tested = [
        attribute
        for attribute in counts.keys() | other_counts.keys()
        if max(counts[attribute], other_counts[attribute]) >= _MIN_RUNS
    ]
    contrasts = []
    for attribute in tested:
        sides = counts[attribute], len(runs), other_counts[attribute], len(others)
        if abs(sides[0] / sides[1] - sides[2] / sides[3]) >= _MIN_DIFFERENCE:
            contrasts.append(AttributeContrast(attribute, *sides, fisher_exact_p_value(*sides), len(tested)))
    # 3. Report those that chance hardly explains.
    return tuple(_rank(contrast for contrast in contrasts if contrast.p_value < _MAX_REPORTED_P_VALUE))


def fisher_exact_p_value(runs: int, total: int, other_runs: int, other_total: int) -> float:
    """Return the two-sided p-value of Fisher's exact test for `runs` of `total` and `other_runs` of `other_total`."""
    having = runs + other_runs
    possible = range(max(0, having - other_total), min(total, having) + 1)
    probabilities = [_hypergeometric(count, total, having - count, other_total) for count in possible]
    observed = _hypergeometric(runs, total, other_runs, other_total)
    # The factor allows for errors of rounding.
    return min(1.0, sum(probability for probability in probabilities if probability <= observed * (1 + 1e-9)))


def _hypergeometric(runs: int, total: int, other_runs: int, other_total: int) -> float:
    """Return the probability of exactly these counts if both sides are alike."""
    return math.exp(
        _log_binomial(total, runs)
        + _log_binomial(other_total, other_runs)
        - _log_binomial(total + other_total, runs + other_runs)
    )


def _log_binomial(n: int, k: int) -> float:
    """Return the logarithm of the binomial coefficient."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _rank(contrasts: Iterable[AttributeContrast]) -> list[AttributeContrast]:
    """Return the largest differences, without those that follow from others.

    If a run has one value of a kind, and the group has a value more often, then it has other values less often.
    """
    ranked = sorted(contrasts, key=lambda item: (-abs(item.difference), item.difference < 0, repr(item.attribute)))
    explained = {
        (contrast.attribute.kind, contrast.attribute.key)
        for contrast in ranked
        if contrast.difference > 0 and _has_single_value(contrast.attribute)
    }
    reported = [
        contrast
        for contrast in ranked
        if contrast.difference > 0 or (contrast.attribute.kind, contrast.attribute.key) not in explained
    ]
    return reported[:MAX_CONTRASTS]


def _has_single_value(attribute: RunAttribute) -> bool:
    """Return whether a run has at most one value of this kind."""
    if attribute.kind == "metadata":
        return attribute.value is not None
    return attribute.kind in ("model", "configuration")


def _fetch_tools(project: Project, configuration_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, frozenset[str]]:
    """Return the tools of configurations by their types and function names."""
    rows = Configuration.objects.fetch_tools(project, configuration_ids)
    return {pk: frozenset((*tool_types, *function_names)) for pk, tool_types, function_names in rows}


def _iter_attributes(
    run: _ContrastedRun,
    tools: Mapping[uuid.UUID, frozenset[str]],
    calls: Mapping[uuid.UUID, frozenset[tuple[str, str]]],
) -> Iterator[RunAttribute]:
    if run.model:
        yield RunAttribute("model", run.model)
    yield RunAttribute("configuration", run.configuration_id.hex)
    called = calls.get(run.id, frozenset())
    available = tools.get(run.configuration_id, frozenset()).union(*called)
    yield from (RunAttribute("tool", name) for name in available if name and name != "function")
    yield from (RunAttribute("function", name) for name, tool_type in called if name and tool_type == "function")
    if not isinstance(run.metadata, dict):
        return
    for key, value in run.metadata.items():
        if 0 < len(key) <= _MAX_METADATA_LENGTH:
            yield RunAttribute("metadata", None, key)
            text = _format_query_value(value)
            if text and len(text) <= _MAX_METADATA_LENGTH:
                yield RunAttribute("metadata", text, key)


def _format_query_value(value: Any) -> str | None:
    """Return a value as a query writes it; None if a query cannot express it."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, bool | int) else None
