"""Sample calls of a tool, and the configurations that define it."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from django.db.models import Case, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery, When

from runs.analytics.tools import fetch_last_call_hour
from runs.models import Configuration, Project, Run, RunStep
from runs.models.run_step import HAS_TOOL_CALLS
from runs.rollups.reader import ToolKey
from runs.rollups.time_buckets import HOUR

# Longer details of a step are fetched when somebody opens them.
MAX_INLINE_DETAILS_BYTES = 16_000


class ToolSampleSort(StrEnum):
    """The calls of a tool that are sampled: the newest of all, of the failed, or of the invalid ones."""

    NEWEST = "newest"
    FAILED = "failed"
    INVALID = "invalid"


def fetch_tool_call_steps(project: Project, key: ToolKey, sort: ToolSampleSort, limit: int) -> list[RunStep]:
    """Return the newest steps with such a call.

    Each has `size`, the bytes of its details, and `shown`, the details themselves unless they are too long.
    """
    steps = _select_steps(project, key, sort)
    if steps is None:
        return []
    size = Func(F("details"), function="octet_length", output_field=IntegerField())
    shown = Case(When(size__lte=MAX_INLINE_DETAILS_BYTES, then=F("details")))
    steps = steps.defer("details", "extra", "metadata").annotate(size=size).annotate(shown=shown)
    return list(steps.order_by("-created_at", "run_id", "external_id")[:limit])


def _select_steps(project: Project, key: ToolKey, sort: ToolSampleSort) -> QuerySet[RunStep] | None:
    """Return the steps with such a call, by the conditions of the indexes; None if the tool was never called."""
    type_, name = key
    steps = RunStep.objects.filter(project=project, tool_types__contains=[type_])
    match sort:
        case ToolSampleSort.FAILED:
            return steps.filter(status="failed", tool_names__contains=[name])
        case ToolSampleSort.INVALID:
            return steps.filter(~Q(invalid_calls=[]), invalid_calls__contains=[name])
    # The newest steps are read until enough have a call, so the search begins with the last call.
    hour = fetch_last_call_hour(project, key)
    if hour is None:
        return None
    return steps.filter(HAS_TOOL_CALLS, tool_names__contains=[name], created_at__lt=hour + HOUR)


def fetch_tool_call_step(project: Project, run_id: str, step_id: str) -> RunStep | None:
    """Return a step with all of its details, by its posted id and that of its run."""
    return RunStep.objects.filter(run_id=project.record_id(run_id), external_id=step_id).first()


def fetch_defining_configurations(project: Project, key: ToolKey, limit: int) -> list[tuple[uuid.UUID, str, datetime]]:
    """Return configurations that define a function, or a tool of its type: id, assistant, and first use.

    They are the last `limit` that were received, the last used first. First use is the creation of the first run.
    """
    type_, name = key
    condition = {"function_names__contains": [name]} if type_ == "function" else {"tool_types__contains": [type_]}
    received = Configuration.objects.filter(project=project, **condition).order_by("-first_seen_at", "-id")
    runs = Run.objects.filter(configuration=OuterRef("pk")).order_by("created_at").values("created_at")
    rows = received.annotate(since=Subquery(runs[:1])).values_list("id", "assistant_id", "since")[:limit]
    return sorted((row for row in rows if row[2] is not None), key=lambda row: (row[2], row[0]), reverse=True)
