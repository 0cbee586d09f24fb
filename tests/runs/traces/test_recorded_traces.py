"""Traces that instrumentations really sent, from the folder that RUNGLASS_TODAY_DATA names."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from runs.models import Run, Span
from runs.protocol.otlp.export_requests import TRACES, split_export_request
from runs.protocol.otlp.openai_agents_spans import split_agents_export
from runs.traces.ingest import ingest_agents_objects, ingest_spans
from tests.runs.traces.test_ingest import settle

FOLDER = Path(os.environ.get("RUNGLASS_TODAY_DATA", "nowhere"))
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no recorded traces")

# The number of runs of each file, its tokens (input, output) and, where it is not one run of one root, the reason.
RECORDED = {
    "001-google-adk-2.5": (1, 379, 84),  # `invocation` is the root; call_llm > generate_content counts once
    "002-autogen-core": (1, 0, 0),  # create_agent, in a trace of its own, is no run
    "003-openinference-claude-agent-sdk": (1, 132, 850),  # no model calls: the root's usage; agents below are steps
    "004-openinference-claude-agent-sdk-adot": (1, 4, 767),
    "005-openllmetry-openai-agents": (1, 1870, 253),
    "006-openllmetry-openai-agents-adot": (1, 692, 102),
    "007-openinference-openai-agents": (1, 1228, 194),
    "008-openinference-openai-agents-adot": (1, 692, 107),
    "009-openinference-smolagents": (1, 6256, 163),
    "010-pydantic-ai-bedrock": (1, 1251, 78),
    "011-semconv-hand-made": (1, 200, 60),  # the sum of its calls; the root's own usage is another
    "012-logfire-openai-agents-handoff": (1, 89, 18),
    "013-logfire-openai-agents-two-runs": (1, 39, 14),  # two agents below one `OpenAI Agents trace`
    "014-logfire-openai-agents-file-search": (1, 2006, 48),
    "015-logfire-openai-agents-tool-error": (1, 527, 40),
    "016-logfire-openai-agents-guardrail": (1, 29, 9),
    "017-logfire-openai-agents-chat-completions": (1, 11, 8),
    "018-logfire-openai-agents-mcp": (1, 134, 22),  # three traces of MCP's own spans are no runs
    "019-logfire-claude-agent-sdk-tool": (1, 18872, 415),  # the calls have partial usage only: the root's
    "020-logfire-claude-agent-sdk-basic": (1, 9344, 5),
    "021-logfire-pydantic-ai-mcp": (1, 144, 56),  # the agent inside the MCP tool is a step, and its call counts
    "022-logfire-openai-responses": (2, 108, 38),  # two traces of bare calls
    "023-logfire-openai-chat-stream": (2, 2, 1),  # the end of the stream is a log span in a trace of its own
    "024-pydantic-ai-failed": (1, 0, 0),
    "025-pydantic-ai-bare-chat": (1, 100, 200),
    "026-openlit-openai-chat": (1, 14, 96),
    "027-openllmetry-openai-chat-2025": (1, 14, 173),
    "028-semantic-kernel-1.55": (1, 0, 0),
    "029-genkit": (0, 0, 0),  # an unknown dialect: kept, but no run
    "030-pydantic-ai-1.60-root": (1, 174, 31),
    "031-vercel-ai-7": (1, 0, 0),
    "032-azure-ai-agents-classic": (1, 2220, 194),  # six traces, of which only process_thread_run is an agent's
}
ON_THE_WIRE = {
    "genai-openai-001": (3, 93, 32),  # three traces of bare calls
    "genai-openai-no-content-001": (3, 93, 32),
    "genai-openai-agents-001": (1, 88, 30),
    "genai-openai-agents-handoff-001": (1, 88, 30),
    "genai-openai-agents-tool-error-001": (1, 88, 30),
    "openllmetry-openai-agents-001": (1, 88, 30),
    "openinference-openai-agents-001": (1, 88, 30),
}
PIECES = [f"genai-openai-agents-in-pieces-00{number}" for number in range(1, 5)]


def summarize(project: Any) -> tuple[int, int, int]:
    runs = list(Run.objects.in_project(project))
    return len(runs), *(sum(getattr(run, name) or 0 for run in runs) for name in ("prompt_tokens", "completion_tokens"))


def stored_bodies(project: Any) -> list[dict[str, Any]]:
    spans = Span.objects.filter(trace__project=project)
    return sorted((json.loads(span.body) for span in spans), key=lambda span: (span["traceId"], span["spanId"]))


def list_spans(request: dict[str, Any]) -> list[dict[str, Any]]:
    spans = (
        span
        for resource_spans in request["resourceSpans"]
        for scope_spans in resource_spans["scopeSpans"]
        for span in scope_spans["spans"]
    )
    return sorted(spans, key=lambda span: (span["traceId"], span["spanId"]))


def read_wire_body(name: str) -> bytes:
    return gzip.decompress((FOLDER / "wire" / f"{name}.pb.gz").read_bytes())


def post_protobuf(project: Any, content: bytes) -> None:
    report = ingest_spans(project, split_export_request(TRACES, content, "application/x-protobuf"))
    assert not report.errors


def test_every_file_is_known():
    assert {path.stem for path in (FOLDER / "otlp").glob("*.json")} == RECORDED.keys()
    assert {path.name for path in (FOLDER / "wire").glob("*.gz")} == {
        f"{name}.pb.gz" for name in [*ON_THE_WIRE, *PIECES]
    }


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_payload_becomes_runs(project, name):
    content = (FOLDER / "otlp" / f"{name}.json").read_bytes()
    report = ingest_spans(project, split_export_request(TRACES, content, "application/json"))
    assert not report.errors
    settle(project)
    assert stored_bodies(project) == list_spans(json.loads(content))
    assert summarize(project) == RECORDED[name]


@pytest.mark.parametrize("name", ON_THE_WIRE)
def test_body_from_the_wire_becomes_runs(project, name):
    content = read_wire_body(name)
    post_protobuf(project, content)
    settle(project)
    request = MessageToDict(ExportTraceServiceRequest.FromString(content), use_integers_for_enums=True)
    assert len(stored_bodies(project)) == len(list_spans(request))
    assert summarize(project) == ON_THE_WIRE[name]
    said = {(json.loads(run.extra or "{}")["trace"]).get("content_not_captured") for run in Run.objects.all()}
    assert (None in said) is ("no-content" not in name)


@pytest.mark.parametrize("names", [PIECES, PIECES[::-1]])
def test_trace_in_pieces_is_one_run(project, names):
    for name in names:
        post_protobuf(project, read_wire_body(name))
    settle(project)
    assert summarize(project) == (1, 88, 30)


def test_own_exporter_of_agents_sdk_is_one_run(project):
    objects = split_agents_export((FOLDER / "wire" / "native-agents-001.json").read_bytes())
    report = ingest_agents_objects(project, objects)
    assert not report.errors
    settle(project)
    assert summarize(project) == (1, 88, 30)
