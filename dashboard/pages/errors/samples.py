"""The newest runs of a group, and the message that explains why they are grouped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.urls import reverse

from dashboard.ui import formats
from dashboard.ui.run_rows import build_run_url
from runs.analytics.errors import select_error_group_runs
from runs.enrichment import error_grouping
from runs.enrichment.error_grouping import MessagePart
from runs.models import ErrorGroup, Project, Run
from runs.models.run import ERROR_PREVIEW_LENGTH
from runs.query import RunFilters

MAX_SAMPLE_RUNS = 10
PLACEHOLDER_LABELS = {
    "email": "email address",
    "hex": "hexadecimal number",
    "host": "host name",
    "id": "id",
    "ip": "IP address",
    "key": "secret key",
    "model": "model",
    "n": "number",
    "org": "organization",
    "path": "path",
    "rest": "middle of a long message",
    "time": "time or duration",
    "tool": "tool",
    "trace": "line of a stack trace",
    "url": "URL",
    "value": "quoted value",
}


@dataclass(frozen=True, slots=True)
class SampleRun:
    """A run of the group, with its message split at the values that the template replaces."""

    run: Run
    url: str
    assistant: str
    message_parts: list[MessagePart]
    is_truncated: bool


def fetch_sample_runs(
    project: Project, group: ErrorGroup, filters: RunFilters, assistant_names: Mapping[str, str], now: datetime
) -> list[SampleRun]:
    """Return the newest runs of a group. `assistant_names` are display names, by id."""
    runs = select_error_group_runs(project, group.pk, filters, now).newest_first().for_list()[:MAX_SAMPLE_RUNS]
    path = reverse("runs", kwargs={"project": project.slug})
    return [
        SampleRun(
            run=run,
            url=build_run_url(path, run),
            assistant=assistant_names.get(run.assistant_id) or formats.shorten_id(run.assistant_id),
            message_parts=error_grouping.split_message(run.error_preview or ""),
            is_truncated=len(run.error_preview or "") >= ERROR_PREVIEW_LENGTH,
        )
        for run in runs
    ]


def split_first_message(group: ErrorGroup) -> list[MessagePart]:
    """Return the first message of a group, split. The middle of a long message is replaced by its length."""
    return [
        replace(part, text=f" … {len(part.text):,} characters … ") if part.kind == "rest" else part
        for part in error_grouping.split_message(group.sample)
    ]


def list_placeholders(parts: list[MessagePart]) -> list[tuple[str, str]]:
    """Return the placeholders of a message and their meaning, without repetitions."""
    kinds = dict.fromkeys(part.kind for part in parts if part.kind)
    return [(kind, PLACEHOLDER_LABELS[kind]) for kind in kinds if kind]
