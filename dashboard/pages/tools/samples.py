"""Single calls of a tool: when, of which run, with which arguments, and what came back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from django.urls import reverse

from dashboard.ui import formats, tool_call_parts
from dashboard.ui.posted_object import as_mapping
from dashboard.ui.tool_call_parts import DisplayedToolCall
from runs.analytics import tool_samples
from runs.analytics.tool_samples import ToolSampleSort
from runs.enrichment import tool_call_validation
from runs.enrichment.tool_call_validation import CallFinding
from runs.models import Project, RunStep
from runs.protocol.lossless_json import parse_json
from runs.protocol.timestamps import milliseconds_between
from runs.rollups.reader import ToolKey

# Of each sort.
MAX_SAMPLE_CALLS = 5


@dataclass(frozen=True, slots=True)
class SampleCall:
    """A call. `call` None: it is fetched when it is looked at; `findings` is what it has against its run's tools."""

    record: RunStep
    place: int
    run_url: str
    body_url: str
    duration: str
    output: str
    call: DisplayedToolCall | None
    findings: tuple[CallFinding, ...] = ()


@dataclass(frozen=True, slots=True)
class SampleCallList:
    """The calls of one sort, the newest first."""

    sort: ToolSampleSort
    label: str
    calls: Sequence[SampleCall]


SAMPLE_LABELS = {
    ToolSampleSort.NEWEST: "Newest",
    ToolSampleSort.FAILED: "Failed",
    ToolSampleSort.MISARGUED: "Mis-argued",
}


def fetch_sample_calls(project: Project, key: ToolKey) -> list[SampleCallList]:
    """Some calls of each sort."""
    return [SampleCallList(sort, label, _fetch_calls(project, key, sort)) for sort, label in SAMPLE_LABELS.items()]


def fetch_sample_call(project: Project, key: ToolKey, run_id: str, step_id: str, place: int) -> SampleCall | None:
    """One call with what it holds; None where there is no such call."""
    record = tool_samples.fetch_tool_call_step(project, run_id, step_id)
    if record is None or not 0 <= place < len(record.tool_names) or _get_tool_key(record, place) != key:
        return None
    return _build_sample_call(project, key, record, place, record.details, {})


def _fetch_calls(project: Project, key: ToolKey, sort: ToolSampleSort) -> list[SampleCall]:
    records = tool_samples.fetch_tool_call_steps(project, key, sort, MAX_SAMPLE_CALLS)
    is_wrong = sort is ToolSampleSort.MISARGUED
    bodies = tool_samples.fetch_configuration_bodies(record.run_id for record in records) if is_wrong else {}
    tools = {run: tool_call_validation.extract_tools(text) for run, text in bodies.items()}
    found = [
        _build_sample_call(project, key, record, place, record.shown, tools)  # type: ignore[attr-defined]
        for record in records
        for place in _call_indexes(record, key)
    ]
    return [each for each in found if each.findings or each.call is None or not is_wrong][:MAX_SAMPLE_CALLS]


def _call_indexes(record: RunStep, key: ToolKey) -> Iterator[int]:
    return (place for place in range(len(record.tool_names)) if _get_tool_key(record, place) == key)


def _get_tool_key(record: RunStep, place: int) -> ToolKey:
    return record.tool_types[place], record.tool_names[place]


def _build_sample_call(
    project: Project,
    key: ToolKey,
    record: RunStep,
    place: int,
    details: str | None,
    tools: Mapping[uuid.UUID, str | None],
) -> SampleCall:
    posted = as_mapping(parse_json(details)).get("tool_calls") if details else None
    call = tool_call_parts.parse_tool_call(posted[place]) if isinstance(posted, list) and place < len(posted) else None
    outputs = record.tool_outputs
    at = {"run": record.run_external_id, "step": record.external_id, "call": place}
    run = reverse("run", kwargs={"project": project.slug, "run_id": record.run_external_id})
    here = reverse("tool", kwargs={"project": project.slug, "tool": "/".join(key)})
    precise = bool(record.created_at.microsecond or (record.ended_at and record.ended_at.microsecond))
    return SampleCall(
        record,
        place,
        f"{run}#{quote(record.external_id)}",
        f"{here}?{urlencode(at)}",
        formats.format_duration(milliseconds_between(record.created_at, record.ended_at), precise=precise),
        formats.format_bytes(outputs[place]) if outputs and place < len(outputs) and outputs[place] is not None else "",
        call,
        _find_schema_violations(call, tools.get(record.run_id)) if call else (),
    )


def _find_schema_violations(call: DisplayedToolCall, tools: str | None) -> tuple[CallFinding, ...]:
    if tools is None or call.type != "function":
        return ()
    return tool_call_validation.validate_function_calls(tools, [call.function_call]).invalid_calls
