"""Single calls of a tool: when, of which run, with which arguments, and what came back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from django.urls import reverse

from dashboard.ui import formats, json_view, tool_call_parts
from dashboard.ui.posted_object import as_mapping
from dashboard.ui.tool_call_parts import Call
from runs.analytics import tool_samples
from runs.analytics.tool_samples import Sort
from runs.analytics.tools import Key
from runs.enrichment import tool_call_validation, tool_schema
from runs.enrichment.tool_schema import Finding
from runs.models import Project, RunStep
from runs.protocol.timestamps import milliseconds_between

# Of each sort.
MOST = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """A call. `call` None: it is fetched when it is looked at; `findings` is what it has against its run's tools."""

    record: RunStep
    place: int
    run_url: str
    body_url: str
    duration: str
    output: str
    call: Call | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Samples:
    """The calls of one sort, the newest first."""

    sort: Sort
    label: str
    calls: Sequence[Sample]


_LABELS = {Sort.NEWEST: "Newest", Sort.FAILED: "Failed", Sort.MISARGUED: "Mis-argued"}


def samples(project: Project, key: Key) -> list[Samples]:
    """Some calls of each sort."""
    return [Samples(sort, label, _samples(project, key, sort)) for sort, label in _LABELS.items()]


def body(project: Project, key: Key, run_id: str, step_id: str, place: int) -> Sample | None:
    """One call with what it holds; None where there is no such call."""
    record = tool_samples.step(project, run_id, step_id)
    if record is None or not 0 <= place < len(record.tool_names) or _key(record, place) != key:
        return None
    return _sample(project, key, record, place, record.details, {})


def _samples(project: Project, key: Key, sort: Sort) -> list[Sample]:
    records = tool_samples.steps(project, key, sort, MOST)
    is_wrong = sort is Sort.MISARGUED
    bodies = tool_samples.configured(record.run_id for record in records) if is_wrong else {}
    tools = {run: tool_call_validation.tools_of(text) for run, text in bodies.items()}
    found = [
        _sample(project, key, record, place, record.shown, tools)  # type: ignore[attr-defined]
        for record in records
        for place in _places(record, key)
    ]
    return [each for each in found if each.findings or each.call is None or not is_wrong][:MOST]


def _places(record: RunStep, key: Key) -> Iterator[int]:
    return (place for place in range(len(record.tool_names)) if _key(record, place) == key)


def _key(record: RunStep, place: int) -> Key:
    return record.tool_types[place], record.tool_names[place]


def _sample(
    project: Project, key: Key, record: RunStep, place: int, details: str | None, tools: Mapping[uuid.UUID, str | None]
) -> Sample:
    posted = as_mapping(json_view.parse(details)).get("tool_calls") if details else None
    call = tool_call_parts.read(posted[place]) if isinstance(posted, list) and place < len(posted) else None
    outputs = record.tool_outputs
    at = {"run": record.run_external_id, "step": record.external_id, "call": place}
    run = reverse("run", kwargs={"project": project.slug, "run_id": record.run_external_id})
    here = reverse("tool", kwargs={"project": project.slug, "tool": "/".join(key)})
    precise = bool(record.created_at.microsecond or (record.ended_at and record.ended_at.microsecond))
    return Sample(
        record,
        place,
        f"{run}#{quote(record.external_id)}",
        f"{here}?{urlencode(at)}",
        formats.duration(milliseconds_between(record.created_at, record.ended_at), precise=precise),
        formats.size(outputs[place]) if outputs and place < len(outputs) and outputs[place] is not None else "",
        call,
        _findings(call, tools.get(record.run_id)) if call else (),
    )


def _findings(call: Call, tools: str | None) -> tuple[Finding, ...]:
    if tools is None or call.type != "function":
        return ()
    found = tool_schema.check(tool_call_validation.parsed(tools), [call.called]).findings
    return tuple(finding for finding in found if finding.kind in tool_call_validation.FAULTS)
