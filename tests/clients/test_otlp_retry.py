"""The exporter of OpenTelemetry's SDK sends spans again after a 503, and they are stored once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pytest_django.live_server_helper import LiveServer

from runs.api import otlp_views
from runs.models import Run, Span
from runs.traces.ingest import TraceIngestReport, ingest_spans
from tests import factories


def export_agent(url: str, key: str) -> None:
    """Trace an agent with three model calls, and send the spans as an application does at its end."""
    exporter = OTLPSpanExporter(f"{url}/v1/traces", headers={"Authorization": f"Bearer {key}"},
                                compression=Compression.Gzip)  # fmt: skip
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("invoke_agent planner", attributes={"gen_ai.operation.name": "invoke_agent"}):
        for _ in range(3):
            usage = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}
            with tracer.start_as_current_span("chat", attributes={"gen_ai.operation.name": "chat", **usage}):
                pass
    provider.shutdown()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_stored", [False, True], ids=["refused", "stored, but the answer was lost"])
def test_exporter_retries_after_503(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch, is_stored: bool) -> None:
    project = factories.make_project()
    statuses: list[int] = []

    def fail_once(*arguments: Any, **options: Any) -> TraceIngestReport:
        ingest: Callable[..., TraceIngestReport] = ingest_spans
        statuses.append(200 if statuses else 503)
        if statuses == [503] and not is_stored:
            raise OperationalError("connection refused")
        report = ingest(*arguments, **options)
        if statuses == [503]:
            raise OperationalError("connection lost")
        return report

    monkeypatch.setattr(otlp_views, "ingest_spans", fail_once)
    export_agent(live_server.url, factories.make_key(project, "ingest"))
    assert statuses == [503, 200]
    assert Span.objects.count() == 4
    assert Run.objects.get().total_tokens == 45
