"""The links to runs of a project: whether there may be any, and a list of them all."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from dashboard.pages.settings.params import ShareLinkListParams
from dashboard.web.audit import record_event
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import admin_required
from runs.models import AuditEvent, Project, ShareLink
from runs.team.share_links import revoke_share_links, set_sharing_enabled

MAX_LISTED_LINKS = 100


@require_safe
@admin_required
@handle_invalid_params
def project_share_links(request: HttpRequest, project: Project) -> HttpResponse:
    """List the links of the project, the newest first."""
    params = ShareLinkListParams.parse(request.GET)
    links = ShareLink.objects.in_project(project)
    listed = list((links.filter(pk__lt=params.before) if params.before else links)[: MAX_LISTED_LINKS + 1])
    context: dict[str, Any] = {
        "project": project,
        "links": listed[:MAX_LISTED_LINKS],
        "active_count": links.not_ended().count(),
        "older_url": "" if len(listed) <= MAX_LISTED_LINKS else params.query_string(before=listed[-2].pk),
    }
    return render(request, "pages/settings/sharing.html", context)


@require_POST
@admin_required
def sharing_update(request: HttpRequest, project: Project) -> HttpResponse:
    """Allow or forbid links to runs of the project."""
    is_enabled = request.POST.get("is_enabled") == "on"
    if set_sharing_enabled(project, is_enabled):
        word = "on" if is_enabled else "off"
        record_event(request, project, f"switched sharing {word}", AuditEvent.Category.SHARING)
        messages.success(request, f"Sharing switched {word}.")
    return redirect("sharing", project=project.slug)


@require_POST
@admin_required
def share_links_revoke(request: HttpRequest, project: Project) -> HttpResponse:
    """Revoke all links of the project."""
    count = revoke_share_links(ShareLink.objects.in_project(project))
    if count:
        text = f"{count:,} share link{'s' * (count > 1)}"
        record_event(request, project, f"revoked all links: {text}", AuditEvent.Category.SHARING)
        messages.success(request, f"{text} revoked.")
    return redirect("sharing", project=project.slug)
