"""Single calls of a tool to look at, and the configurations that define it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from django.db.models import Case, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery, When

from runs.analytics.tools import ToolKey, fetch_last_call_hour
from runs.models import Configuration, Project, Run, RunStep
from runs.models.run_step import HAS_TOOL_CALLS
from runs.rollups.time_buckets import HOUR

# Bytes of a step's details that come with it; longer ones are fetched when they are looked at.
MAX_INLINE_DETAILS_BYTES = 16_000


class ToolSampleSort(StrEnum):
    """Which calls of a tool."""

    NEWEST = "newest"
    FAILED = "failed"
    MISARGUED = "misargued"


def fetch_tool_call_steps(project: Project, key: ToolKey, sort: ToolSampleSort, most: int) -> list[RunStep]:
    """The newest steps with such a call, with `size` bytes of details, and these as `shown` where they are short."""
    found = _steps(project, key, sort)
    if found is None:
        return []
    size = Func(F("details"), function="octet_length", output_field=IntegerField())
    shown = Case(When(size__lte=MAX_INLINE_DETAILS_BYTES, then=F("details")))
    found = found.defer("details", "extra", "metadata").annotate(size=size).annotate(shown=shown)
    return list(found.order_by("-created_at", "run_id", "external_id")[:most])


def _steps(project: Project, key: ToolKey, sort: ToolSampleSort) -> QuerySet[RunStep] | None:
    """In the words of the indexes; the newest are looked for from the last call back."""
    found = RunStep.objects.filter(project=project, tool_types__contains=[key[0]])
    match sort:
        case ToolSampleSort.FAILED:
            return found.filter(status="failed", tool_names__contains=[key[1]])
        case ToolSampleSort.MISARGUED:
            return found.filter(~Q(misargued=[]), misargued__contains=[key[1]])
    hour = fetch_last_call_hour(project, key)
    if hour is None:
        return None
    return found.filter(HAS_TOOL_CALLS, tool_names__contains=[key[1]], created_at__lt=hour + HOUR)


def fetch_tool_call_step(project: Project, run_id: str, step_id: str) -> RunStep | None:
    """One step by the posted ids of its run and its own, whole."""
    return RunStep.objects.filter(run_id=project.record_id(run_id), external_id=step_id).first()


def fetch_configuration_bodies(run_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The texts of the configurations of those runs, by run."""
    of_run = dict(Run.objects.filter(pk__in=set(run_ids)).values_list("pk", "configuration_id"))
    bodies = dict(Configuration.objects.filter(pk__in=set(of_run.values())).values_list("pk", "body"))
    return {run: bodies[pk] for run, pk in of_run.items() if pk in bodies}


def fetch_defining_configurations(project: Project, key: ToolKey, most: int) -> list[tuple[uuid.UUID, str, datetime]]:
    """Configurations that define a function, or a tool of its kind: id, assistant, and the creation of the first run.

    The last received ones, the last used first; each is looked up along its own index.
    """
    held = {"function_names__contains": [key[1]]} if key[0] == "function" else {"tool_types__contains": [key[0]]}
    received = Configuration.objects.filter(project=project, **held).order_by("-first_seen_at", "-id")
    runs = Run.objects.filter(configuration=OuterRef("pk")).order_by("created_at").values("created_at")
    found = received.annotate(since=Subquery(runs[:1])).values_list("id", "assistant_id", "since")[:most]
    return sorted((row for row in found if row[2] is not None), key=lambda row: (row[2], row[0]), reverse=True)
