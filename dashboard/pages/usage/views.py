"""The usage page: what runs used over time, by what they are divided into, and how long they took."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.usage.usage_page import page as put_together
from dashboard.web.invalid_params import refusing
from dashboard.web.permissions import project_page
from dashboard.web.timezone import zone_of
from runs.analytics.usage import MOST_COUNTED, Question
from runs.analytics.usage.durations import MOST_ASSISTANTS
from runs.models import Membership, Project


def asked(request: HttpRequest) -> Question:
    """What the address asks for, in the reader's days unless it names a zone. Raises InvalidFilter."""
    return Question.from_query(dict(request.GET.lists()), zone_of(request), timezone.now())


@require_safe
@project_page
@refusing
def page(request: HttpRequest, project: Project) -> HttpResponse:
    """`usage/`"""
    question = asked(request)
    here, runs, prices = (reverse(name, kwargs={"project": project.slug}) for name in ("usage", "runs", "prices"))
    is_admin = project.role == Membership.Role.ADMIN
    context = {
        "project": project,
        "page": put_together(project, question, here, runs, prices if is_admin else ""),
        "most_counted": MOST_COUNTED,
        "most_assistants": MOST_ASSISTANTS,
        "query": f"?{query}" if (query := request.GET.urlencode()) else "",
    }
    return render(request, "usage/page.html", context)
