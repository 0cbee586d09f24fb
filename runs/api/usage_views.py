"""The numbers of the usage page over REST."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from runs.analytics.usage import UsageQuery, fetch_latency, fetch_usage_report, serialize_usage
from runs.analytics.usage.serialization import MAX_USAGE_GROUPS
from runs.api.base_views import ApiKeyView
from runs.api.openapi.components import schema_ref
from runs.api.openapi.operations import answers, described, usage_question


@described(
    get=answers(
        "get_usage", "What runs used, over time and by group", schema_ref("UsageAnswer"), parameters=usage_question()
    )
)
class UsageReportView(ApiKeyView):
    """`/api/v1/usage`"""

    takes_parameters = frozenset({"GET", "HEAD"})

    def get(self, request: Request) -> HttpResponse:
        """Runs, tokens and cost in total, before, by group and over time; and how long runs took."""
        query = dict(request.query_params.lists())
        question = UsageQuery.parse(query, ZoneInfo("UTC"), timezone.now())
        project = self.project(request)
        found = serialize_usage(
            fetch_usage_report(project, question, MAX_USAGE_GROUPS), fetch_latency(project, question)
        )
        return HttpResponse(msgspec.json.encode(found), content_type="application/json")
