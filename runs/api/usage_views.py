"""The numbers of the usage page over REST."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from runs.analytics.usage import Question, document, latency, usage
from runs.analytics.usage.serialization import MOST_GROUPS
from runs.api.base_views import KeyedView
from runs.api.openapi.components import ref
from runs.api.openapi.operations import answers, described, usage_question


@described(
    get=answers("get_usage", "What runs used, over time and by group", ref("UsageAnswer"), parameters=usage_question())
)
class UsageView(KeyedView):
    """`/api/v1/usage`"""

    takes_parameters = frozenset({"GET", "HEAD"})

    def get(self, request: Request) -> HttpResponse:
        """Runs, tokens and cost in total, before, by group and over time; and how long runs took."""
        query = dict(request.query_params.lists())
        question = Question.from_query(query, ZoneInfo("UTC"), timezone.now())
        project = self.project(request)
        found = document(usage(project, question, MOST_GROUPS), latency(project, question))
        return HttpResponse(msgspec.json.encode(found), content_type="application/json")
