"""The links to one run: made, with their addresses shown once, listed and revoked."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.pages.run.sharing.forms import DEFAULT_SHARE_LINK_DAYS, SHARE_LINK_DAYS, ShareLinkForm
from dashboard.web.audit import record_event
from dashboard.web.permissions import member_required
from runs.errors import SharingDisabled
from runs.models import AuditEvent, Membership, Project, Run, RunAlias, ShareLink, User
from runs.team.share_links import create_share_link, revoke_share_links


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def run_share_links(request: HttpRequest, project: Project, run_id: str) -> HttpResponse:
    """List the links to a run. A POST makes one; its response is the only place that shows its address."""
    run = RunAlias.objects.resolve_run(project, run_id)
    if run is None:
        raise Http404(f"No run '{run_id}'")
    if request.method != "POST":
        return _render_links(request, project, run)
    form = ShareLinkForm(request.POST)
    if not form.is_valid():
        return _render_links(request, project, run, status=422, form=form)
    lifetime, left_out = form.cleaned_data["days"], form.cleaned_data["left_out"]
    try:
        link, token = create_share_link(project, run, cast(User, request.user), lifetime, left_out)
    except SharingDisabled:
        return _render_links(request, project, run, status=422)
    except Run.DoesNotExist as error:
        raise Http404(f"No run '{run_id}'") from error
    limits = f"expires in {lifetime.days} day{'s' * (lifetime.days > 1)}"
    if link.left_out:
        limits += f", without {', '.join(link.left_out)}"
    record_event(request, project, f"made {describe_share_link(link, run)} ({limits})", AuditEvent.Category.SHARING)
    address = request.build_absolute_uri(reverse("shared-run", kwargs={"token": token}))
    return _render_links(request, project, run, new_link=link, new_address=address)


@require_POST
@member_required
def share_link_revoke(request: HttpRequest, project: Project, link_number: int) -> HttpResponse:
    """Revoke a link, and return to the list that the form was part of."""
    links = ShareLink.objects.in_project(project).numbered(link_number)
    link = get_object_or_404(links)
    if revoke_share_links(links):
        text = f"revoked {describe_share_link(link, link.run)}"
        record_event(request, project, text, AuditEvent.Category.SHARING)
        messages.success(request, "Link revoked.")
    if request.POST.get("list") == "project" and project.role == Membership.Role.ADMIN:
        return redirect("sharing", project=project.slug)
    return redirect("run-share-links", project=project.slug, run_id=link.run.external_id)


def describe_share_link(link: ShareLink, run: Run) -> str:
    """Return a link in the words of the audit log."""
    return f"the share link {link.pk} to the run {run.external_id}"


def _render_links(request: HttpRequest, project: Project, run: Run, status: int = 200, **extra: Any) -> HttpResponse:
    """Render the page. `extra` adds an invalid form, or the address of a new link."""
    context: dict[str, Any] = {
        "project": project,
        "run": run,
        "links": ShareLink.objects.of_run(run),
        "lifetimes": SHARE_LINK_DAYS,
        "default_lifetime": DEFAULT_SHARE_LINK_DAYS,
        "parts": ShareLink.Part.choices,
        **extra,
    }
    return render(request, "pages/run/sharing/links.html", context, status=status)
