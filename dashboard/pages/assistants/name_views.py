"""Naming an assistant, and taking the name back."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBadRequest
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from dashboard.web.permissions import member_required
from runs.analytics import assistants
from runs.models import Assistant, Project, User
from runs.protocol.assistant import MAX_ASSISTANT_NAME_LENGTH
from runs.protocol.lossless_json import clean_text


@require_POST
@member_required
def assistant_rename(request: HttpRequest, project: Project, assistant_id: str) -> HttpResponse:
    """Call the assistant `name`, whatever is posted; an empty one shows the posted name again, or the id."""
    stored_id = clean_text(assistant_id)
    name = clean_text(request.POST.get("name", "")).strip()
    if len(name) > MAX_ASSISTANT_NAME_LENGTH:
        words = f"name: {MAX_ASSISTANT_NAME_LENGTH} characters at the most"
        return HttpResponseBadRequest(words, content_type="text/plain; charset=utf-8")
    is_known = Assistant.objects.find(project, stored_id) or assistants.fetch_last_run_times(project, [stored_id])
    if not is_known:
        raise Http404("No such assistant")
    Assistant.objects.set_given_name(project, stored_id, name or None, cast(User, request.user))
    messages.success(request, f"Named {name}." if name else "The name was taken back.")
    return redirect("assistant", project=project.slug, assistant_id=assistant_id)
