"""The usage page: what runs used over time, by what they are divided into, and how long they took."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.usage.usage_page import fetch_usage_page as put_together
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import viewer_required
from dashboard.web.timezone import get_request_timezone
from runs.analytics.usage import MAX_COUNTED_USAGE_RUNS, UsageQuery
from runs.analytics.usage.latency import MAX_LATENCY_ASSISTANTS
from runs.models import Membership, Project


def parse_usage_query(request: HttpRequest) -> UsageQuery:
    """What the address asks for, in the reader's days unless it names a zone. Raises InvalidFilter."""
    return UsageQuery.parse(dict(request.GET.lists()), get_request_timezone(request), timezone.now())


@require_safe
@viewer_required
@handle_invalid_params
def usage_overview(request: HttpRequest, project: Project) -> HttpResponse:
    """`usage/`"""
    question = parse_usage_query(request)
    here, runs, prices = (reverse(name, kwargs={"project": project.slug}) for name in ("usage", "runs", "prices"))
    is_admin = project.role == Membership.Role.ADMIN
    context = {
        "project": project,
        "page": put_together(project, question, here, runs, prices if is_admin else ""),
        "most_counted": MAX_COUNTED_USAGE_RUNS,
        "most_assistants": MAX_LATENCY_ASSISTANTS,
        "query": f"?{query}" if (query := request.GET.urlencode()) else "",
    }
    return render(request, "pages/usage/page.html", context)
