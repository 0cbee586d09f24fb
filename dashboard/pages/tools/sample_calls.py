"""Sample calls of a tool: the newest ones, the newest failed ones, and the newest invalid ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote, urlencode

from django.urls import reverse

from dashboard.pages.tools.links import build_tool_path
from dashboard.ui import formats
from dashboard.ui.posted_object import as_mapping
from dashboard.ui.tool_call_parts import DisplayedToolCall, parse_tool_call
from runs.analytics import tool_samples
from runs.analytics.tool_samples import ToolSampleSort
from runs.enrichment.function_calls import CallFinding, PostedFunctionCall
from runs.enrichment.step_validation import read_stored_findings
from runs.models import Project, RunStep
from runs.protocol.lossless_json import parse_json
from runs.protocol.timestamps import milliseconds_between
from runs.rollups.reader import ToolKey

MAX_SAMPLE_CALLS = 5  # of each sort
SAMPLE_LABELS = {
    ToolSampleSort.NEWEST: "Newest",
    ToolSampleSort.FAILED: "Failed",
    ToolSampleSort.INVALID: "Invalid",
}


@dataclass(frozen=True, slots=True)
class SampleCall:
    """A call of the tool.

    Attributes:
        step: the step that contains the call.
        run_url: the step on the page of its run.
        content_url: a fragment with the content of the call.
        duration: how long the step took.
        output_size: the size of the output; "" if there is none.
        call: the content; None if it is too long, and has to be fetched from `content_url`.
        findings: why the call is invalid.
    """

    step: RunStep
    run_url: str
    content_url: str
    duration: str
    output_size: str
    call: DisplayedToolCall | None
    findings: Sequence[CallFinding] = ()


@dataclass(frozen=True, slots=True)
class SampleCallList:
    """The sample calls of one sort, the newest first."""

    sort: ToolSampleSort
    label: str
    calls: Sequence[SampleCall]


def fetch_sample_calls(project: Project, key: ToolKey) -> list[SampleCallList]:
    """Return some calls of each sort."""
    return [SampleCallList(sort, label, _fetch_calls(project, key, sort)) for sort, label in SAMPLE_LABELS.items()]


def fetch_sample_call(project: Project, key: ToolKey, run_id: str, step_id: str, call_index: int) -> SampleCall | None:
    """Return one call with its content; None if there is no such call of the tool."""
    step = tool_samples.fetch_tool_call_step(project, run_id, step_id)
    if step is None or call_index not in _find_call_indexes(step, key):
        return None
    return _build_sample_call(project, key, step, call_index, step.details)


def _fetch_calls(project: Project, key: ToolKey, sort: ToolSampleSort) -> list[SampleCall]:
    steps = tool_samples.fetch_tool_call_steps(project, key, sort, MAX_SAMPLE_CALLS)
    calls = (
        _build_sample_call(project, key, step, call_index, step.shown)  # type: ignore[attr-defined]
        for step in steps
        for call_index in _find_call_indexes(step, key)
    )
    only_invalid = sort is ToolSampleSort.INVALID
    return list(islice((call for call in calls if call.findings or not only_invalid), MAX_SAMPLE_CALLS))


def _find_call_indexes(step: RunStep, key: ToolKey) -> list[int]:
    """Return the indexes of the calls of a tool in a step."""
    keys = zip(step.tool_types, step.tool_names, strict=True)
    return [index for index, call_key in enumerate(keys) if call_key == key]


def _build_sample_call(
    project: Project,
    key: ToolKey,
    step: RunStep,
    call_index: int,
    details: str | None,
) -> SampleCall:
    """Return a call with its stored findings. `details` are those of the step, None if they are too long."""
    posted_calls = as_mapping(parse_json(details)).get("tool_calls") if details else None
    has_call = isinstance(posted_calls, list) and call_index < len(posted_calls)
    call = parse_tool_call(posted_calls[call_index]) if has_call and posted_calls else None
    function_call = call.function_call if call else PostedFunctionCall("", key[1], None)
    stored = read_stored_findings(step, {call_index: function_call}) or {}
    findings = [finding for finding in stored.get(call_index, ()) if finding.is_invalid_call]

    run_url = reverse("run", kwargs={"project": project.slug, "run_id": step.run_external_id})
    content_params = {"run": step.run_external_id, "step": step.external_id, "call": call_index}
    is_precise = bool(step.created_at.microsecond or (step.ended_at and step.ended_at.microsecond))
    output_sizes = step.tool_outputs or []
    output_size = output_sizes[call_index] if call_index < len(output_sizes) else None
    return SampleCall(
        step=step,
        run_url=f"{run_url}#{quote(step.external_id)}",
        content_url=f"{build_tool_path(project, key)}?{urlencode(content_params)}",
        duration=formats.format_duration(milliseconds_between(step.created_at, step.ended_at), precise=is_precise),
        output_size="" if output_size is None else formats.format_bytes(output_size),
        call=call,
        findings=findings,
    )
