"""Read pages of what has to be sent, and the spans that it consists of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from django.utils import timezone

from runs.models import ForwardItem, Project, Run, RunSource
from runs.models.run import ACTIVE_STATUSES
from runs.protocol.otlp.outgoing_requests import OutgoingSpan
from runs.span_export.mapped_runs import load_runs_for_spans
from runs.span_export.outgoing_spans import iterate_run_spans
from runs.span_export.trace_spans import TraceSpanReader

MAX_ITEMS_PER_PAGE = 100


def fetch_next_page(target: str) -> list[ForwardItem]:
    """Return the next items that are due for a target."""
    return list(ForwardItem.objects.due(target, timezone.now()).select_related("project")[:MAX_ITEMS_PER_PAGE])


def iterate_item_spans(items: Sequence[ForwardItem]) -> Iterator[OutgoingSpan]:
    """Yield the spans of items. Runs that have not ended are left out: their end queues them again."""
    for (kind, _), group in groupby(items, key=lambda item: (item.kind, item.project_id)):
        if kind == ForwardItem.Kind.RUN:
            yield from _iterate_run_spans(list(group))
        else:
            yield from _iterate_trace_spans(list(group))


def _iterate_run_spans(items: Sequence[ForwardItem]) -> Iterator[OutgoingSpan]:
    project: Project = items[0].project
    runs = Run.objects.in_project(project).with_ids(item.record for item in items).newest_first()
    ended = [
        run for run in load_runs_for_spans(runs) if run.source != RunSource.OTEL and run.status not in ACTIVE_STATUSES
    ]
    yield from iterate_run_spans(project, ended)


def _iterate_trace_spans(items: Sequence[ForwardItem]) -> Iterator[OutgoingSpan]:
    reader = TraceSpanReader({item.record for item in items})
    for item in items:
        yield from reader.read(item.record, item.span_ids)
