"""OTLP/HTTP: views that take what OpenTelemetry's exporters send, and answer as its specification demands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from runs.api.base_views import ApiKeyView
from runs.api.ingest_views import get_content_type, read_content
from runs.api.openapi.otlp_operations import describe_agents_export, describe_otlp_export
from runs.api.otlp_errors import handle_otlp_error
from runs.protocol.otlp.export_requests import LOGS, TRACES, split_export_request
from runs.protocol.otlp.export_responses import encode_export_response
from runs.protocol.otlp.openai_agents_spans import split_agents_export
from runs.traces.ingest import TraceIngestReport, ingest_agents_objects, ingest_span_logs, ingest_spans

_MAX_REPORTED_PROBLEMS = 10
_METRICS_IGNORED = "Metrics are ignored: usage and durations are computed from spans. Set OTEL_METRICS_EXPORTER=none"


class OtlpView(ApiKeyView):
    """A view that answers in the encoding of the request, errors included."""

    reports_refusals = True
    # the member of the response that counts rejected records
    rejected_name: str

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], HttpResponseBase | None]:
        """Return the exception handler of OTLP."""
        return handle_otlp_error

    def build_response(self, request: Request, rejected: int, message: str) -> HttpResponse:
        """Return an export response. OTLP has no status of its own for a request that was refused in part."""
        if rejected:
            self.report_refusal(200, message)
        payload = encode_export_response(get_content_type(request), self.rejected_name, rejected, message)
        return HttpResponse(payload.content, content_type=payload.content_type)


@extend_schema_view(
    post=describe_otlp_export(
        "traces",
        TRACES.resources,
        "rejectedSpans",
        "Stores spans, and derives the runs of their traces. Rejected spans do not affect the others.",
    )
)
class TraceExportView(OtlpView):
    """`/v1/traces`."""

    rejected_name = "rejectedSpans"

    def post(self, request: Request) -> HttpResponse:
        """Store spans, and derive the runs of their traces. Rejected spans do not affect the others."""
        items = split_export_request(TRACES, read_content(request, may_be_empty=True), get_content_type(request))
        api_key = self.get_api_key(request)
        report = ingest_spans(api_key.project, items, key_id=api_key.pk)
        return self.build_response(request, report.rejected, describe_trace_problems(report))


@extend_schema_view(
    post=describe_otlp_export(
        "logs",
        LOGS.resources,
        "rejectedLogRecords",
        "Stores the events in which instrumentations send messages, and ignores all other log records.",
    )
)
class LogExportView(OtlpView):
    """`/v1/logs`."""

    rejected_name = "rejectedLogRecords"

    def post(self, request: Request) -> HttpResponse:
        """Store the events in which instrumentations send messages, and ignore all other log records."""
        items = split_export_request(LOGS, read_content(request, may_be_empty=True), get_content_type(request))
        api_key = self.get_api_key(request)
        report = ingest_span_logs(api_key.project, items, key_id=api_key.pk)
        return self.build_response(request, report.rejected, describe_trace_problems(report))


@extend_schema_view(
    post=describe_otlp_export("metrics", "resourceMetrics", "rejectedDataPoints", "Ignores metrics, and says so.")
)
class MetricExportView(OtlpView):
    """`/v1/metrics`."""

    rejected_name = "rejectedDataPoints"

    def post(self, request: Request) -> HttpResponse:
        """Ignore metrics, and say so."""
        return self.build_response(request, 0, _METRICS_IGNORED)


@extend_schema_view(post=describe_agents_export())
class AgentsExportView(OtlpView):
    """`/v1/traces/ingest`, to which OpenAI's Agents SDK posts by itself."""

    rejected_name = "rejectedSpans"

    def post(self, request: Request) -> HttpResponse:
        """Store traces and spans of the Agents SDK."""
        objects = split_agents_export(read_content(request))
        api_key = self.get_api_key(request)
        report = ingest_agents_objects(api_key.project, objects, key_id=api_key.pk)
        return self.build_response(request, report.rejected, describe_trace_problems(report))


def describe_trace_problems(report: TraceIngestReport) -> str:
    """Return what was wrong with rejected records, the first ones only, and how many were ignored."""
    problems = [f"{problem.path or problem.id}: {problem.message}" for problem in report.errors]
    if len(problems) > _MAX_REPORTED_PROBLEMS:
        problems[_MAX_REPORTED_PROBLEMS:] = [f"and {len(problems) - _MAX_REPORTED_PROBLEMS:,} more problems"]
    return "; ".join(problems)
