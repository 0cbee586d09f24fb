"""Deleting a thread."""

from __future__ import annotations

from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from dashboard.pages.threads.summary import fetch_thread_summary
from dashboard.web.audit import record_event
from dashboard.web.permissions import admin_required
from runs.errors import TooManyRetries
from runs.models import AuditEvent, Project
from runs.team.deletion import delete_thread

CONFIRMATION = "delete"


@require_POST
@admin_required
def thread_delete(request: HttpRequest, project: Project, thread_id: str) -> HttpResponse:
    """Delete the thread if "delete" was typed; render the confirmation page otherwise."""
    typed = request.POST.get("confirm") or None
    if typed != CONFIRMATION:
        summary = fetch_thread_summary(project, thread_id)
        if summary is None:
            raise Http404("No such thread")
        context = {"project": project, "thread_id": thread_id, "summary": summary, "typed": typed}
        return render(request, "pages/threads/delete.html", context, status=200 if typed is None else 400)
    record = partial(record_event, request, project, category=AuditEvent.Category.DELETION)
    try:
        counts = delete_thread(project, thread_id, record)
    except TooManyRetries as error:
        messages.error(request, error.message)
        return redirect("thread", project=project.slug, thread_id=thread_id)
    if not counts:
        raise Http404("No such thread")
    messages.success(request, f"Deleted {counts}.")
    return redirect("threads", project=project.slug)
