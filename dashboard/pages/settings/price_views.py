"""Prices that the team sets: for models that are not listed, and wherever the listed price is not theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.web.invalid_params import refusing
from dashboard.web.permissions import admin_page, project_page
from dashboard.web.query_params import read
from runs.analytics.usage import Question, usage
from runs.enrichment import pricing
from runs.errors import InvalidPrice, Problem
from runs.models import AuditEvent, Membership, Project, User
from runs.team.price_overrides import LONGEST_MODEL, RATES, remove_price, set_price

LOOKED_BACK = "90d"
MOST_MODELS = 100


@dataclass(frozen=True, slots=True)
class Unpriced:
    """A model that ran lately and has no price."""

    model: str
    runs: int
    tokens: int
    url: str


@require_http_methods(["GET", "HEAD", "POST"])
@project_page
@refusing
def page(request: HttpRequest, project: Project) -> HttpResponseBase:
    """`settings/prices/`: what is set and what has no price; of a post, a price that an administrator sets."""
    if request.method == "POST":
        return _set(request, project.slug)
    read(request, "model")
    return _page(request, project, {"model": request.GET.get("model", "")})


@admin_page
def _set(request: HttpRequest, project: Project) -> HttpResponse:
    given = {name: request.POST.get(name, "") for name in ("model", *RATES)}
    try:
        set_price(project, given["model"].strip(), given)
    except InvalidPrice as error:
        return _page(request, project, given, error.problems)
    return _done(request, project, f"set the price of {given['model'].strip()}")


@require_POST
@admin_page
def remove(request: HttpRequest, project: Project) -> HttpResponse:
    """Take a price back; the listed one holds, if there is one."""
    model = request.POST.get("model", "")
    if not remove_price(project, model):
        return redirect("prices", project=project.slug)
    return _done(request, project, f"removed the price of {model}")


def _done(request: HttpRequest, project: Project, action: str) -> HttpResponse:
    AuditEvent.objects.note(project, cast(User, request.user), action)
    messages.success(request, f"You {action}. Stored estimates follow within minutes.")
    return redirect("prices", project=project.slug)


def _page(
    request: HttpRequest, project: Project, given: Mapping[str, str], problems: Sequence[Problem] = ()
) -> HttpResponse:
    context: dict[str, Any] = {
        "project": project,
        "own": sorted(project.prices.items()),
        "unpriced": list(_unpriced(project)),
        "looked_back": int(LOOKED_BACK.removesuffix("d")),
        "source": pricing.source(),
        "given": given,
        "problems": problems,
        "longest_model": LONGEST_MODEL,
        "is_admin": project.role == Membership.Role.ADMIN,
    }
    return render(request, "prices/page.html", context, status=422 if problems else 200)


def _unpriced(project: Project) -> Iterator[Unpriced]:
    """The models of the last days that have no price today, those with the most tokens first."""
    now = timezone.now()
    question = Question.from_query({"range": [LOOKED_BACK]}, ZoneInfo("UTC"), now)
    runs = reverse("runs", kwargs={"project": project.slug})
    for group in usage(project, question, MOST_MODELS, parts=False).named:
        if group.key and pricing.price_of(group.key, now.date(), project.prices) is None:
            query = urlencode({"model": group.key, "from": f"-{LOOKED_BACK}"})
            yield Unpriced(group.key, group.sums.runs, group.sums.total_tokens, f"{runs}?{query}")
