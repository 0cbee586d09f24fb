"""The audit log of a project, and of the server for those who administrate it."""

from __future__ import annotations

from typing import cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.pages.settings.params import AuditLogParams, AuditSource
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import admin_required
from runs.models import AuditEvent, Project, User
from runs.models.audit_event import MAX_AUDIT_EVENTS


@require_safe
@admin_required
@handle_invalid_params
def audit_log(request: HttpRequest, project: Project) -> HttpResponse:
    """Show the events of the project, or of the server to superusers, the newest first."""
    params = AuditLogParams.parse(request.GET)
    user = cast(User, request.user)
    if params.source == AuditSource.SERVER and not user.is_superuser:
        raise PermissionDenied
    owner = project if params.source == AuditSource.PROJECT else None
    events = list(AuditEvent.objects.newest(owner, params.category, params.before))
    is_last_page = len(events) < MAX_AUDIT_EVENTS
    context = {
        "project": project,
        "params": params,
        "events": events,
        "categories": [
            (category.label, category, params.query_string(category=category, before=0))
            for category in AuditEvent.Category
        ],
        "all_url": params.query_string(category="", before=0),
        "older_url": "" if is_last_page else params.query_string(before=events[-1].pk),
        "sources": [
            (source, AuditLogParams(source=source).query_string()) for source in AuditSource if user.is_superuser
        ],
    }
    return render(request, "pages/settings/audit_log.html", context)
