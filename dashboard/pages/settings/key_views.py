"""The API keys of a project: created and shown once, replaced, revoked; and the limit of requests with them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.pages.settings.forms import (
    API_KEY_GRACE_HOURS,
    API_KEY_LIFETIMES,
    ApiKeyForm,
    ApiKeyReplacementForm,
    RequestLimitForm,
)
from dashboard.pages.settings.params import ApiKeyListParams
from dashboard.web.audit import record_event
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.key_creation import create_audited_key
from dashboard.web.permissions import admin_required
from runs.errors import InvalidFilter, InvalidKeyScopes
from runs.models import ApiKey, AuditEvent, Project
from runs.team import api_keys as team_api_keys
from runs.team.request_limits import MAX_REQUESTS_PER_MINUTE


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
@handle_invalid_params
def api_keys(request: HttpRequest, project: Project) -> HttpResponse:
    """List the API keys. A POST creates one; its response is the only place that shows the secret."""
    if request.method != "POST":
        ApiKeyListParams.parse(request.GET)
        return _render_keys(request, project)
    form = ApiKeyForm(request.POST)
    if not form.is_valid():
        return _render_keys(request, project, status=422, key_form=form)
    name, scopes, lifetime = (form.cleaned_data[field] for field in ("name", "scopes", "expires_in_days"))
    limits = {field: form.cleaned_data[field] for field in ("description", "query")}
    try:
        secret = create_audited_key(request, project, name, scopes, lifetime, **limits)
    except InvalidFilter as error:
        form.add_error("query", error.problems[0].message)
        return _render_keys(request, project, status=422, key_form=form)
    except InvalidKeyScopes as error:
        form.add_error("scopes", error.message)
        return _render_keys(request, project, status=422, key_form=form)
    return _render_keys(request, project, new_key_name=name, new_key_secret=secret)


@require_POST
@admin_required
def api_key_replace(request: HttpRequest, project: Project, key_id: int) -> HttpResponse:
    """Create a key like this one, which stays valid for a while. This response is the only place that shows it."""
    key = get_object_or_404(ApiKey.objects.usable().in_project(project), pk=key_id)
    form = ApiKeyReplacementForm(request.POST)
    if not form.is_valid():
        return _render_keys(request, project, status=422, key_form=form)
    grace = form.cleaned_data["grace_hours"]
    secret = team_api_keys.replace_api_key(key, grace)
    hours = int(grace.total_seconds() // 3600)
    action = f"replaced the API key {key.name} ({key.prefix}…), which expires in {hours} hour{'s' * (hours > 1)}"
    record_event(request, project, action, AuditEvent.Category.API_KEY)
    return _render_keys(request, project, new_key_name=key.name, new_key_secret=secret)


@require_POST
@admin_required
def request_limit_update(request: HttpRequest, project: Project) -> HttpResponse:
    """Change the limit of requests a minute."""
    form = RequestLimitForm(request.POST)
    if not form.is_valid():
        return _render_keys(request, project, status=422, limit_form=form)
    old_limit, new_limit = project.max_requests_per_minute, form.cleaned_data["max_requests"]
    if new_limit != old_limit:
        project.max_requests_per_minute = new_limit
        project.save(update_fields=["max_requests_per_minute"])
        action = f"changed the limit of requests a minute from {old_limit or 'none'} to {new_limit or 'none'}"
        record_event(request, project, action, AuditEvent.Category.API_KEY)
        messages.success(request, "Request limit changed.")
    return redirect("api-keys", project=project.slug)


@require_POST
@admin_required
def api_key_revoke(request: HttpRequest, project: Project, key_id: int) -> HttpResponse:
    """Revoke an API key."""
    key = get_object_or_404(ApiKey.objects.in_project(project), pk=key_id)
    team_api_keys.revoke_api_key(key)
    record_event(request, project, f"revoked the API key {key.name} ({key.prefix}…)", AuditEvent.Category.API_KEY)
    messages.success(request, f"API key {key.name} revoked.")
    return redirect("api-keys", project=project.slug)


def _render_keys(request: HttpRequest, project: Project, status: int = 200, **extra: Any) -> HttpResponse:
    """Render the page. `extra` adds an invalid form, or the secret of a new key."""
    context: dict[str, Any] = {
        "project": project,
        "keys": ApiKey.objects.in_project(project),
        "scopes": ApiKey.Scope.values,
        "key_lifetimes": API_KEY_LIFETIMES,
        "grace_hours": API_KEY_GRACE_HOURS,
        "max_requests": MAX_REQUESTS_PER_MINUTE,
        "default_scopes": team_api_keys.DEFAULT_SCOPES,
        **extra,
    }
    return render(request, "pages/settings/api_keys.html", context, status=status)
