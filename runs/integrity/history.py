"""Check that the history of records is numbered without gaps, and that earlier versions can be rebuilt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.db import connection

from runs.errors import RunglassError
from runs.integrity.check_results import CheckResult, judge_count
from runs.models import (
    Configuration,
    Message,
    MessageObservation,
    Observation,
    PostedObservation,
    Project,
    Run,
    RunStep,
)
from runs.models.observation import StepObservation
from runs.models.record_history import HistoryRecord, rebuild_version
from runs.protocol.lossless_json import decode_json, join_members

MAX_REBUILT = 5000  # records of each type, the newest ones
MAX_VERSIONS = 20  # of a record that are rebuilt, beside the first one
_BATCH_SIZE = 200
_RESTORE_REMEDY = "Restore a backup into another instance and compare; the newest versions are not affected"
_MISNUMBERED = """
    SELECT count(*) FROM {table} AS record LEFT JOIN (
        SELECT {key}, count(*) AS entries, max(n) AS last FROM {observations} GROUP BY {key}) AS history
        ON ({joined})
     WHERE record.project_id = %s
       AND (coalesce(entries, 0), coalesce(last, 0)) <> (record.history_length, record.history_length)"""
# Each record type with its history, and the columns of its key: in the history, and in its own table.
_TYPES: tuple[tuple[type[Any], type[PostedObservation], tuple[str, ...], tuple[str, ...]], ...] = (
    (Run, Observation, ("run_id",), ("id",)),
    (RunStep, StepObservation, ("run_id", "step_external_id"), ("run_id", "external_id")),
    (Message, MessageObservation, ("message_id",), ("id",)),
)


def check_history(project: Project, report_progress: Callable[[int, int], None]) -> Iterator[CheckResult]:
    """Check the histories of a project. Call `report_progress(done, total)` after each batch of records."""
    for model, observations, key, record_key in _TYPES:
        noun = str(model._meta.verbose_name_plural)
        name = f"history of {noun} of {project.slug}"
        misnumbered = _count_misnumbered(project, model, observations, key, record_key)
        yield judge_count(name, misnumbered, "histories with missing entries", remedy=_RESTORE_REMEDY)
        broken = _count_broken(project, model, observations, key, record_key, report_progress)
        yield judge_count(name, broken, "histories that cannot be rebuilt", remedy=_RESTORE_REMEDY)


def _count_misnumbered(
    project: Project,
    model: type[Any],
    observations: type[PostedObservation],
    key: Sequence[str],
    record_key: Sequence[str],
) -> int:
    statement = _MISNUMBERED.format(
        table=model._meta.db_table,
        observations=observations._meta.db_table,
        key=", ".join(key),
        joined=" AND ".join(f"history.{a} = record.{b}" for a, b in zip(key, record_key, strict=True)),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [project.pk])
        count: int = cursor.fetchone()[0]
        return count


def _count_broken(
    project: Project,
    model: type[Any],
    observations: type[PostedObservation],
    key: Sequence[str],
    record_key: Sequence[str],
    report_progress: Callable[[int, int], None],
) -> int:
    changed = model._default_manager.filter(project=project, history_length__gt=0).order_by("-created_at")
    keys = list(changed.values_list(*record_key)[:MAX_REBUILT])
    broken = 0
    for begin in range(0, len(keys), _BATCH_SIZE):
        batch = keys[begin : begin + _BATCH_SIZE]
        lookup = {f"{record_key[0]}__in": {part[0] for part in batch}}
        entries = defaultdict(list)
        found = observations._default_manager.filter(**{f"{key[0]}__in": {part[0] for part in batch}}).order_by("n")
        for entry in found:
            entries[tuple(getattr(entry, name) for name in key)].append(entry)
        records = model._default_manager.filter(**lookup)
        for record in records.prefetch_related("configuration") if model is Run else records:
            broken += not _is_rebuildable(record, entries[tuple(getattr(record, name) for name in record_key)])
        report_progress(min(begin + _BATCH_SIZE, len(keys)), len(keys))
    return broken


def _is_rebuildable(record: HistoryRecord, observations: Sequence[PostedObservation]) -> bool:
    """Return whether the first version, for which all changes are undone, and the last ones are JSON objects."""
    newest_first = observations[::-1]
    try:
        for n in (0, *(observation.n for observation in newest_first[:MAX_VERSIONS])):
            version = rebuild_version(record, newest_first, n)
            if version is None:
                return False
            decode_json(join_members(dict(version.members)))
    except Configuration.DoesNotExist:
        return True  # another check reports it
    except (RunglassError, ValueError):
        return False
    return True
