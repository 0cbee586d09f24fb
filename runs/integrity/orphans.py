"""Find records whose owner is missing, and delete those that only it used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone

from runs.db.project_locks import lock_records_exclusively
from runs.enrichment.derived_fields import build_error_group, derive_run_fields
from runs.enrichment.tool_definitions import store_tool_definitions
from runs.integrity.check_results import REPAIR_REMEDY, CheckResult, Severity, judge_count
from runs.models import Configuration, ErrorGroup, Project, Run, ToolDefinition
from runs.protocol.tool_definitions import parse_tool_definitions, tool_definition_id
from runs.team.unused_records import RecordReferences

_RUNS_WITHOUT_GROUP = """
    SELECT min(run.id::text)::uuid FROM run
     WHERE project_id = %s AND error_group_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM error_group WHERE error_group.id = run.error_group_id)
     GROUP BY error_group_id"""
_RUNS_WITHOUT_CONFIGURATION = """
    SELECT count(*) FROM run
     WHERE project_id = %s AND NOT EXISTS (SELECT FROM configuration WHERE configuration.id = run.configuration_id)"""
_WAITING_STEPS = """
    SELECT count(*) FROM run_step WHERE project_id = %s AND received_at < now() - interval '7 days'
       AND NOT EXISTS (SELECT FROM run WHERE run.id = run_step.run_id)"""
# A configuration is stored shortly before its first run.
_UNUSED_CONFIGURATIONS = """
    SELECT array_agg(DISTINCT assistant_id), count(*) FROM configuration
     WHERE project_id = %s AND first_seen_at < now() - interval '10 minutes'
       AND NOT EXISTS (SELECT FROM run WHERE run.configuration_id = configuration.id)"""


@dataclass(frozen=True, slots=True)
class _Belonging:
    """A table whose rows belong to those of another one: what they are, and the condition that their owner exists."""

    table: str
    noun: str
    owner: str


_BELONGINGS = (
    _Belonging("observation", "entries of the history of missing runs", "run WHERE run.id = observation.run_id"),
    _Belonging(
        "step_observation", "entries of the history of missing steps",
        "run_step WHERE run_step.run_id = step_observation.run_id"
        " AND run_step.external_id = step_observation.step_external_id",
    ),
    _Belonging(
        "message_observation", "entries of the history of missing messages",
        "message WHERE message.id = message_observation.message_id",
    ),
    _Belonging("run_tag", "tags of missing runs", "run WHERE run.id = run_tag.run_id"),
    _Belonging("run_review", "reviews of missing runs", "run WHERE run.id = run_review.run_id"),
    _Belonging("comment", "comments on missing runs", "run WHERE run.id = comment.run_id"),
    _Belonging(
        "error_group_comment", "comments on missing error groups",
        "error_group WHERE error_group.id = error_group_comment.group_id",
    ),
    _Belonging(
        "error_group_event", "activity of missing error groups",
        "error_group WHERE error_group.id = error_group_event.group_id",
    ),
)  # fmt: skip


def check_belongings(*, is_repairing: bool) -> Iterator[CheckResult]:
    """Check in all projects that what belongs to runs, steps and messages has an owner; delete what has none."""
    for belonging in _BELONGINGS:
        orphans = f"FROM {belonging.table} WHERE NOT EXISTS (SELECT FROM {belonging.owner})"
        with transaction.atomic(), connection.cursor() as cursor:
            if is_repairing:
                for project in Project.objects.order_by("pk"):
                    lock_records_exclusively(project.pk)
                cursor.execute(f"DELETE {orphans}")
                count = cursor.rowcount
            else:
                cursor.execute(f"SELECT count(*) {orphans}")
                count = cursor.fetchone()[0]
        yield judge_count(
            belonging.table, count, belonging.noun,
            severity=Severity.WARNING, remedy=REPAIR_REMEDY, is_repaired=is_repairing,
        )  # fmt: skip


def check_references(project: Project, *, is_repairing: bool) -> Iterator[CheckResult]:
    """Check what the runs of a project refer to, in both directions."""
    name = f"of {project.slug}"
    yield judge_count(
        f"configurations {name}", _count(_RUNS_WITHOUT_CONFIGURATION, project), "runs without their configuration",
        remedy="Post these runs again, or restore a backup into another instance and copy them with export_runs",
    )  # fmt: skip
    yield judge_count(
        f"steps {name}", _count(_WAITING_STEPS, project), "steps that have waited for their run for a week",
        severity=Severity.WARNING, remedy="Post their runs, or delete the runs with the REST API",
    )  # fmt: skip
    yield _check_unused_configurations(project, is_repairing=is_repairing)
    yield from _check_tool_definitions(project, is_repairing=is_repairing)
    yield _check_error_groups(project, is_repairing=is_repairing)


def _count(statement: str, project: Project) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, [project.pk])
        count: int = cursor.fetchone()[0]
        return count


def _check_unused_configurations(project: Project, *, is_repairing: bool) -> CheckResult:
    with transaction.atomic(), connection.cursor() as cursor:
        if is_repairing:
            lock_records_exclusively(project.pk)
        cursor.execute(_UNUSED_CONFIGURATIONS, [project.pk])
        assistant_ids, count = cursor.fetchone()
        if is_repairing and count:
            references = RecordReferences(project)
            references.add_assistants(assistant_ids)
            references.delete_unused()
    return judge_count(
        f"unused configurations of {project.slug}", count, "configurations that no run has",
        severity=Severity.WARNING, remedy=REPAIR_REMEDY, is_repaired=is_repairing,
    )  # fmt: skip


def _check_tool_definitions(project: Project, *, is_repairing: bool) -> Iterator[CheckResult]:
    """Compare the stored tool definitions with those in the configurations. Missing ones are stored again."""
    with transaction.atomic():
        if is_repairing:
            lock_records_exclusively(project.pk)
        defined = _find_defined_tools(project)
        stored = set(ToolDefinition.objects.filter(project=project).values_list("pk", flat=True))
        missing, unused = defined.keys() - stored, stored - defined.keys()
        if is_repairing and missing:
            configurations = [defined[pk] for pk in missing]
            store_tool_definitions(configurations, _find_first_runs(configurations))
        if is_repairing and unused:
            ToolDefinition.objects.filter(pk__in=unused).delete()
    for found, noun, severity in (
        (missing, "tools of configurations that the tool pages lack", Severity.PROBLEM),
        (unused, "tool definitions that no configuration has", Severity.WARNING),
    ):
        yield judge_count(
            f"tools of {project.slug}", len(found), noun,
            severity=severity, remedy=REPAIR_REMEDY, is_repaired=is_repairing,
        )  # fmt: skip


def _find_defined_tools(project: Project) -> dict[UUID, Configuration]:
    """Return the ids of all tools that configurations define, each with one of them."""
    return {
        tool_definition_id(project.pk, configuration.assistant_id, parsed): configuration
        for configuration in Configuration.objects.filter(project=project).iterator(200)
        for parsed in parse_tool_definitions(configuration.body)
    }


def _find_first_runs(configurations: list[Configuration]) -> dict[UUID, datetime]:
    runs = Run.objects.filter(configuration__in=configurations).order_by().values_list("configuration_id")
    first_runs = dict(runs.annotate(Min("created_at")))
    return {configuration.pk: configuration.first_seen_at for configuration in configurations} | first_runs


def _check_error_groups(project: Project, *, is_repairing: bool) -> CheckResult:
    """Check that the error groups of runs exist. Missing ones are derived from one of their runs."""
    with transaction.atomic(), connection.cursor() as cursor:
        if is_repairing:
            lock_records_exclusively(project.pk)
        cursor.execute(_RUNS_WITHOUT_GROUP, [project.pk])
        runs = list(Run.objects.with_ids(row[0] for row in cursor.fetchall()))
        if is_repairing:
            ErrorGroup.objects.bulk_create(_derive_groups(project, runs), ignore_conflicts=True)
    still_missing = ErrorGroup.objects.filter(pk__in={run.error_group_id for run in runs}).count() < len(runs)
    return judge_count(
        f"error groups of {project.slug}", len(runs), "error groups of runs that are missing",
        remedy=REPAIR_REMEDY, is_repaired=is_repairing and not still_missing,
    )  # fmt: skip


def _derive_groups(project: Project, runs: Iterable[Run]) -> Iterator[ErrorGroup]:
    """Yield the error groups of `runs`, unless they were made by an earlier version of the grouping."""
    for run in runs:
        _, group_id, signature = derive_run_fields(project, run)
        if group_id is not None and group_id == run.error_group_id and signature is not None:
            yield build_error_group(project, group_id, signature, run, timezone.now())
