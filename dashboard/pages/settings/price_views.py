"""Views of the prices that a project sets: for models without a list price, or in place of the list price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.pages.settings.params import PriceListParams
from dashboard.web.audit import record_event
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import admin_required, viewer_required
from runs.analytics.usage import UsageQuery, fetch_usage_report
from runs.enrichment import pricing
from runs.errors import InvalidPrice, Problem
from runs.models import Membership, Project
from runs.team.price_overrides import (
    MAX_MODEL_NAME_LENGTH,
    PRICE_RATES,
    delete_price_override,
    set_price_override,
)

# The models that ran in this range are listed if they have no price.
UNPRICED_DAYS = 90
MAX_UNPRICED_MODELS = 100


@dataclass(frozen=True, slots=True)
class UnpricedModel:
    """A model with recent runs and without a price."""

    model: str
    runs: int
    tokens: int
    url: str


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_required
@handle_invalid_params
def price_list(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Show the prices of the project and the models without a price, or set the posted price."""
    if request.method == "POST":
        return _price_set(request, project.slug)
    params = PriceListParams.parse(request.GET)
    return _render_prices(request, project, {"model": params.model})


@admin_required
def _price_set(request: HttpRequest, project: Project) -> HttpResponse:
    posted = {name: request.POST.get(name, "") for name in ("model", *PRICE_RATES)}
    model = posted["model"].strip()
    try:
        set_price_override(project, model, posted)
    except InvalidPrice as error:
        return _render_prices(request, project, posted, error.problems)
    return _record_and_redirect(request, project, f"set the price of {model}")


@require_POST
@admin_required
def price_delete(request: HttpRequest, project: Project) -> HttpResponse:
    """Delete the price that the project set for a model. The list price applies again, if there is one."""
    model = request.POST.get("model", "")
    if not delete_price_override(project, model):
        return redirect("prices", project=project.slug)
    return _record_and_redirect(request, project, f"removed the price of {model}")


def _record_and_redirect(request: HttpRequest, project: Project, action: str) -> HttpResponse:
    record_event(request, project, action)
    messages.success(request, f"You {action}. Stored cost estimates are updated within minutes.")
    return redirect("prices", project=project.slug)


def _render_prices(
    request: HttpRequest, project: Project, form_values: Mapping[str, str], problems: Sequence[Problem] = ()
) -> HttpResponse:
    context: dict[str, Any] = {
        "project": project,
        "overrides": sorted(project.prices.items()),
        "unpriced_models": list(_fetch_unpriced_models(project)),
        "unpriced_days": UNPRICED_DAYS,
        "source": pricing.load_price_source(),
        "form_values": form_values,
        "problems": problems,
        "max_model_length": MAX_MODEL_NAME_LENGTH,
        "is_admin": project.role == Membership.Role.ADMIN,
    }
    return render(request, "pages/settings/prices.html", context, status=422 if problems else 200)


def _fetch_unpriced_models(project: Project) -> Iterator[UnpricedModel]:
    """Yield the recently used models that have no price today, those with the most tokens first."""
    now = timezone.now()
    query = UsageQuery.parse_params({"range": [f"{UNPRICED_DAYS}d"]}, ZoneInfo("UTC"), now)
    runs_url = reverse("runs", kwargs={"project": project.slug})
    for group in fetch_usage_report(project, query, MAX_UNPRICED_MODELS, has_series=False).named_groups:
        model = group.key
        if model and pricing.find_price(model, now.date(), project.prices) is None:
            params = urlencode({"model": model, "from": f"-{UNPRICED_DAYS}d"})
            yield UnpricedModel(model, group.sums.runs, group.sums.total_tokens, f"{runs_url}?{params}")
