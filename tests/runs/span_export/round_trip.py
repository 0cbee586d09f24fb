"""Send runs to another project as spans, and compare what is derived there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from runs.models import Message, Project, Run, RunStep
from runs.protocol.otlp.export_requests import TRACES, split_export_request
from runs.protocol.step import get_tool_name, parse_tool_calls
from runs.query import RunFilters
from runs.span_export.posted_calls import read_posted_calls
from runs.traces.ingest import ingest_spans
from runs.transfer.export_formats import OTLP_FORMAT
from runs.transfer.exports import export_runs
from tests import factories


def export_otlp(project: Project, query: str = "") -> list[bytes]:
    return list(OTLP_FORMAT.render(export_runs(project, RunFilters.parse_argument(query))))


def send_to_other_project(project: Project, lines: Iterable[bytes] | None = None) -> Project:
    other = factories.make_project("other")
    for line in export_otlp(project) if lines is None else lines:
        report = ingest_spans(other, split_export_request(TRACES, line, "application/json"))
        assert report.errors == []
    return other


def exported_spans(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    requests = [json.loads(line) for line in lines]
    resources = [resource for request in requests for resource in request["resourceSpans"]]
    return [span for resource in resources for scope in resource["scopeSpans"] for span in scope["spans"]]


def read_attributes(span: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a span, those of more than one value as they are."""
    return {pair["key"]: next(iter(pair["value"].values()), None) for pair in span["attributes"]}


def describe(run: Run) -> dict[str, Any]:
    """Return what must survive, in whichever form it is stored."""
    calls = []
    for step in RunStep.objects.of_run(run).oldest_first():
        posted = parse_tool_calls(step.details)
        if [call["type"] for call in posted] != ["agent"]:
            read = read_posted_calls(step.external_id, step.details)
            calls += [
                (get_tool_name(call), *part) for call, part in zip(posted, map(_describe_call, read), strict=True)
            ]
    written = Message.objects.filter(project=run.project, run_external_id=run.external_id).exclude(role="user")
    return {
        "status": run.status,
        "thread": run.thread_id,
        "assistant": run.assistant_id,
        "model": run.model,
        "times": (run.stated_created_at, run.ended_at),
        "tokens": (run.prompt_tokens, run.completion_tokens, run.total_tokens, run.cached_tokens, run.reasoning_tokens),
        "error": (run.error_code, run.error_message),
        "calls": sorted(calls),
        "answers": "\n\n".join(
            message.text for message in written.order_by("created_at", "external_id") if message.text
        ),
    }


def describe_project(project: Project) -> list[dict[str, Any]]:
    descriptions = [describe(run) for run in Run.objects.in_project(project)]
    return sorted(descriptions, key=lambda run: (run["thread"], run["times"][0], run["assistant"]))


def questions(project: Project) -> list[tuple[str, str]]:
    asked = Message.objects.filter(project=project, role="user").order_by("thread_id", "created_at", "external_id")
    return list(asked.values_list("thread_id", "text"))


def derived_run_id(span: dict[str, Any]) -> str:
    return f"trace_{span['traceId']}_{span['spanId']}"


def _describe_call(call: Any) -> tuple[str, str, str | None]:
    return call.id, call.arguments, call.result
