"""The spans of runs of all sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from runs.models import Project, Run, RunSource, Trace
from runs.protocol.otlp.outgoing_requests import OutgoingSpan
from runs.span_export.mapped_runs import read_run_contents
from runs.span_export.run_spans import build_run_spans
from runs.span_export.trace_spans import read_run_spans

_RUNS_PER_QUERY = 20


def iterate_run_spans(project: Project, runs: Iterable[Run]) -> Iterator[OutgoingSpan]:
    """Yield the spans of runs, run by run. The runs must be loaded by `load_runs_for_spans`."""
    remaining = iter(runs)
    while chunk := list(islice(remaining, _RUNS_PER_QUERY)):
        contents = {
            content.run.pk: content
            for content in read_run_contents(project, [run for run in chunk if run.source != RunSource.OTEL])
        }
        for run in chunk:
            if run.pk in contents:
                yield from build_run_spans(contents.pop(run.pk))
            elif (trace := Trace.objects.of_run(project, run.external_id)) is not None:
                yield from read_run_spans(run, trace)
