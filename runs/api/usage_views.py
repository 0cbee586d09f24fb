"""The view of the usage report."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from runs.analytics.usage import UsageQuery, fetch_latency, fetch_usage_report, serialize_usage
from runs.analytics.usage.serialization import MAX_USAGE_GROUPS, UsageDocument
from runs.api.base_views import ApiKeyView
from runs.api.openapi.operations import describe_read, usage_params
from runs.api.responses import raw_json_response


@extend_schema_view(
    get=describe_read(
        "get_usage",
        "Get the usage report",
        UsageDocument,
        "Returns what runs used: totals, the totals of the period before, groups over time, and latency.",
        params=usage_params(),
        tag="Usage",
    )
)
class UsageReportView(ApiKeyView):
    """`/api/v1/usage`."""

    methods_with_params = frozenset({"GET", "HEAD"})
    applies_key_query = True

    def get(self, request: Request) -> HttpResponse:
        """Return the usage report for the runs that match the filters."""
        params = dict(request.query_params.lists())
        query = UsageQuery.parse_params(params, ZoneInfo("UTC"), timezone.now())
        query = replace(query, requested_filters=self.apply_key_query(request, query.requested_filters))
        project = self.get_project(request)

        report = fetch_usage_report(project, query, MAX_USAGE_GROUPS)
        latency = fetch_latency(project, query)

        return raw_json_response(serialize_usage(report, latency))
