"""URLs of OTLP/HTTP. Exporters append them to the address of the server; all others below `v1/` are of OpenAI's API."""

from django.urls import path

from runs.api import otlp_views

urlpatterns = [
    path("traces", otlp_views.TraceExportView.as_view(), name="otlp-traces"),
    path("traces/ingest", otlp_views.AgentsExportView.as_view(), name="otlp-agents"),
    path("logs", otlp_views.LogExportView.as_view(), name="otlp-logs"),
    path("metrics", otlp_views.MetricExportView.as_view(), name="otlp-metrics"),
]
