from __future__ import annotations

import pytest

from runs.traces.normalization import find_capture_setting

VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


@pytest.mark.parametrize(
    ("scope", "setting"),
    [
        ("opentelemetry.instrumentation.genai.openai", f"{VARIABLE}=span_only"),
        ("@opentelemetry/instrumentation-openai", f"{VARIABLE}=true"),
        ("io.opentelemetry.openai-java-1.1", f"{VARIABLE}=true"),
        ("Experimental.Microsoft.Extensions.AI", f"{VARIABLE}=true"),
        ("azure.ai.agents", "AZURE_TRACING_GEN_AI_CONTENT_RECORDING_ENABLED=true"),
        ("opentelemetry.instrumentation.openai_agents", "TRACELOOP_TRACE_CONTENT=true"),
        ("@arizeai/openinference-instrumentation-openai", "OPENINFERENCE_HIDE_INPUTS=false"),
        ("ai", "experimental_telemetry"),
    ],
)
def test_capture_setting_fits_the_instrumentation(scope: str, setting: str) -> None:
    assert find_capture_setting(scope).startswith(setting)


@pytest.mark.parametrize("scope", ["", "aiohttp", "my.application"])
def test_unknown_scopes_have_no_setting(scope: str) -> None:
    assert find_capture_setting(scope) == ""
