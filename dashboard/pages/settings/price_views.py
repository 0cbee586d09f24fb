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

from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import admin_required, viewer_required
from dashboard.web.query_params import read_query_params
from runs.analytics.usage import UsageQuery, fetch_usage_report
from runs.enrichment import pricing
from runs.errors import InvalidPrice, Problem
from runs.models import AuditEvent, Membership, Project, User
from runs.team.price_overrides import MAX_MODEL_NAME_LENGTH, PRICE_RATES, delete_price_override, set_price_override

UNPRICED_RANGE = "90d"
MAX_UNPRICED_MODELS = 100


@dataclass(frozen=True, slots=True)
class UnpricedModel:
    """A model that ran lately and has no price."""

    model: str
    runs: int
    tokens: int
    url: str


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_required
@handle_invalid_params
def price_list(request: HttpRequest, project: Project) -> HttpResponseBase:
    """`settings/prices/`: what is set and what has no price; of a post, a price that an administrator sets."""
    if request.method == "POST":
        return _price_set(request, project.slug)
    read_query_params(request, "model")
    return _render_prices(request, project, {"model": request.GET.get("model", "")})


@admin_required
def _price_set(request: HttpRequest, project: Project) -> HttpResponse:
    given = {name: request.POST.get(name, "") for name in ("model", *PRICE_RATES)}
    try:
        set_price_override(project, given["model"].strip(), given)
    except InvalidPrice as error:
        return _render_prices(request, project, given, error.problems)
    return _record_and_redirect(request, project, f"set the price of {given['model'].strip()}")


@require_POST
@admin_required
def price_delete(request: HttpRequest, project: Project) -> HttpResponse:
    """Take a price back; the listed one holds, if there is one."""
    model = request.POST.get("model", "")
    if not delete_price_override(project, model):
        return redirect("prices", project=project.slug)
    return _record_and_redirect(request, project, f"removed the price of {model}")


def _record_and_redirect(request: HttpRequest, project: Project, action: str) -> HttpResponse:
    AuditEvent.objects.record(project, cast(User, request.user), action)
    messages.success(request, f"You {action}. Stored estimates follow within minutes.")
    return redirect("prices", project=project.slug)


def _render_prices(
    request: HttpRequest, project: Project, given: Mapping[str, str], problems: Sequence[Problem] = ()
) -> HttpResponse:
    context: dict[str, Any] = {
        "project": project,
        "own": sorted(project.prices.items()),
        "unpriced": list(_fetch_unpriced_models(project)),
        "looked_back": int(UNPRICED_RANGE.removesuffix("d")),
        "source": pricing.load_price_source(),
        "given": given,
        "problems": problems,
        "longest_model": MAX_MODEL_NAME_LENGTH,
        "is_admin": project.role == Membership.Role.ADMIN,
    }
    return render(request, "prices/page.html", context, status=422 if problems else 200)


def _fetch_unpriced_models(project: Project) -> Iterator[UnpricedModel]:
    """The models of the last days that have no price today, those with the most tokens first."""
    now = timezone.now()
    question = UsageQuery.from_query({"range": [UNPRICED_RANGE]}, ZoneInfo("UTC"), now)
    runs = reverse("runs", kwargs={"project": project.slug})
    for group in fetch_usage_report(project, question, MAX_UNPRICED_MODELS, parts=False).named:
        if group.key and pricing.find_price(group.key, now.date(), project.prices) is None:
            query = urlencode({"model": group.key, "from": f"-{UNPRICED_RANGE}"})
            yield UnpricedModel(group.key, group.sums.runs, group.sums.total_tokens, f"{runs}?{query}")
