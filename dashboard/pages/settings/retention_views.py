"""How long the runs of a project are kept: the limits, what they would delete now, and what they have deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from dashboard.pages.settings.forms import RetentionForm
from dashboard.pages.settings.params import RetentionParams
from dashboard.ui.run_list_address import RunListAddress, run_list_path
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import admin_required
from runs.models import Project, RetentionPolicy, User
from runs.team.retention import (
    MAX_COUNTED_RUNS,
    RetentionLimits,
    RetentionPreview,
    preview_retention,
    set_retention,
)

TEMPLATE = "pages/settings/retention.html"


@dataclass(frozen=True, slots=True)
class RetentionSection:
    """The part of the page for one kind of runs.

    `preview` tells what the limits of a valid form would delete now, with `preview_url` for the list of these runs.
    """

    policy: RetentionPolicy
    form: RetentionForm
    preview: RetentionPreview | None = None
    preview_url: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
@handle_invalid_params
def retention_policies(request: HttpRequest, project: Project) -> HttpResponse:
    """Render the limits. A POST shows what the posted ones would delete now, and then sets exactly these."""
    policies = _load_policies(project)
    if request.method != "POST":
        RetentionParams.parse(request.GET)
        return _render(request, project, policies, {kind: _fill_form(policy) for kind, policy in policies.items()})
    forms = {kind: RetentionForm(request.POST, prefix=kind) for kind in policies}
    if not all(form.is_valid() for form in forms.values()):
        return _render(request, project, policies, forms, status=422)
    limits = {kind: form.limits for kind, form in forms.items()}
    if request.POST.get("confirm") != _format_limits(limits):
        return _render(request, project, policies, forms, confirm=_format_limits(limits))
    address = request.META.get("REMOTE_ADDR") or ""
    if set_retention(project, cast(User, request.user), address, limits):
        messages.success(request, "Retention changed. Runs beyond the limits are deleted from now on.")
    return redirect("retention", project=project.slug)


def _load_policies(project: Project) -> dict[str, RetentionPolicy]:
    """Return the policy of each kind; new ones have no limits and are not stored."""
    stored = {policy.kind: policy for policy in RetentionPolicy.objects.in_project(project)}
    kinds = RetentionPolicy.Kind.values
    return {kind: stored.get(kind) or RetentionPolicy(project=project, kind=kind) for kind in kinds}


def _fill_form(policy: RetentionPolicy) -> RetentionForm:
    values = {"max_age_days": policy.max_age_days, "max_runs": policy.max_runs}
    return RetentionForm({f"{policy.kind}-{name}": value for name, value in values.items()}, prefix=policy.kind)


def _format_limits(limits: Mapping[str, RetentionLimits]) -> str:
    """Return a text that stands for these limits alone, so that nothing is set that was not previewed."""
    return ";".join(f"{kind}:{value.max_age_days}:{value.max_runs}" for kind, value in limits.items())


def _render(
    request: HttpRequest,
    project: Project,
    policies: Mapping[str, RetentionPolicy],
    forms: Mapping[str, RetentionForm],
    *,
    confirm: str = "",
    status: int = 200,
) -> HttpResponse:
    sections: Sequence[RetentionSection] = [
        _build_section(project, policy, forms[kind]) for kind, policy in policies.items()
    ]
    context: dict[str, Any] = {
        "project": project,
        "sections": sections,
        "confirm": confirm,
        "max_counted_runs": MAX_COUNTED_RUNS,
    }
    return render(request, TEMPLATE, context, status=status)


def _build_section(project: Project, policy: RetentionPolicy, form: RetentionForm) -> RetentionSection:
    preview = preview_retention(project, policy.kind, form.limits) if form.is_valid() else None
    url = RunListAddress(run_list_path(project)).url(preview.filters) if preview else ""
    return RetentionSection(policy, form, preview, url)
