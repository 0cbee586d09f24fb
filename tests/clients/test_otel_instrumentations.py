"""Agents whose traces the instrumentations of OpenTelemetry's users send, with the exporter of its SDK."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from pytest_django.live_server_helper import LiveServer

from runs.models import Message, Project, Run, RunStep
from tests import factories

SCRIPT = "tests.clients.otel_agent"


def run_agent(live_server: LiveServer, project: Project, instrumentation: str) -> str:
    """Return what the agent printed. Its spans have arrived then."""
    environment = {
        **os.environ,
        "OTEL_EXPORTER_OTLP_ENDPOINT": live_server.url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{factories.make_key(project, 'ingest')}",
        "OTEL_SERVICE_NAME": "weather",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
    }
    command = [sys.executable, "-m", SCRIPT, instrumentation]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "Failed to export" not in done.stderr
    return done.stdout.strip()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("instrumentation", ["genai", "openinference", "openllmetry"])
def test_traced_agent_becomes_one_run(live_server: LiveServer, instrumentation: str) -> None:
    project = factories.make_project()
    answer = run_agent(live_server, project, instrumentation)
    assert answer == "It rains in Oslo."
    run = Run.objects.get()
    assert (run.status, run.get_source_display()) == ("completed", "otel")
    # two calls of the model, each counted once however many spans tell its usage
    assert (run.prompt_tokens, run.completion_tokens, run.total_tokens) == (80, 20, 100)
    # the agent is a step, since the workflow around it is the run
    steps = RunStep.objects.oldest_first()
    assert [name for step in steps for name in step.tool_names] == ["Forecaster", "get_weather"]
    assert any("rain in Oslo" in (step.details or "") for step in steps)
    assert answer in {message.text for message in Message.objects.all()}
