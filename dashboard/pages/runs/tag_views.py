"""Adding and removing tags: of the runs that are selected in the list, and of a single run."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from dashboard.pages.runs.params import RunListParams
from dashboard.pages.runs.rows import fetch_run_rows
from dashboard.ui.run_rows import encode_list_param
from dashboard.ui.run_selection import parse_selected_runs
from dashboard.web import htmx
from dashboard.web.permissions import member_required, viewer_required
from runs.errors import InvalidFilter, InvalidTag
from runs.models import Project, Run, RunTag, User
from runs.query import value_counts
from runs.team import tags

TAG_FORM_TEMPLATE = "pages/runs/_tag_form_update.html"
TAG_FORM_TARGET = "tagging"
ACTIONS = ("add", "remove")


@require_safe
@viewer_required
def tag_suggestions(request: HttpRequest, project: Project) -> HttpResponse:
    """Render the tags in use as options of a datalist, most frequent first."""
    known_tags = value_counts.fetch_recent_tags(project)[: value_counts.MAX_COUNTED_VALUES]
    options = [name for name, _ in known_tags]
    return render(request, "pages/runs/_datalist_options.html", {"options": options})


@require_POST
@member_required
def tag_selected_runs(request: HttpRequest, project: Project) -> HttpResponse:
    """Add the typed tags to the selected runs, or remove them, and return to the list."""
    # 1. Parse the form.
    action = request.POST.get("do", "")
    if action not in ACTIONS:
        message = f"do: expected {' or '.join(ACTIONS)}"
        return HttpResponseBadRequest(message, content_type="text/plain; charset=utf-8")
    params = RunListParams.from_form(project, cast(User, request.user), request.POST)
    typed = request.POST.get("tag", "")
    is_fragment = htmx.get_fragment_target(request) == TAG_FORM_TARGET
    # 2. Change the tags.
    try:
        keys = parse_selected_runs(request)
        message = _change_tags(project, params.user, keys, action, tags.parse_tags(typed))
    except (InvalidFilter, InvalidTag) as error:
        problem = "No runs are selected." if isinstance(error, InvalidFilter) else error.message
        if is_fragment:
            return htmx.render_page(request, TAG_FORM_TEMPLATE, {"problem": problem, "typed": typed}, status=422)
        messages.warning(request, problem)
        return redirect(params.url)
    # 3. Return to the list, or update the form and the rows in place.
    if not is_fragment:
        messages.success(request, message)
        return redirect(params.url)
    seen = parse_selected_runs(request, seen_only=True)
    runs = list(Run.objects.in_project(project).with_ids(seen).for_list())
    context = {
        "message": message,
        "rows": fetch_run_rows(params, runs),
    }
    response = htmx.render_page(request, TAG_FORM_TEMPLATE, context)
    trigger_client_event(response, "announce", {"value": message})
    return response


def _change_tags(project: Project, user: User, keys: Collection[uuid.UUID], action: str, names: Collection[str]) -> str:
    """Add or remove tags and return a message. Raises InvalidTag."""
    tag_list = ", ".join(names)
    if action == "add":
        count = tags.add_tags(project, keys, names, user)
        if not count:
            return f"All selected runs already have {tag_list}."
        return f"Added {tag_list} to {count:,} run{'' if count == 1 else 's'}."
    count = tags.remove_tags(project, keys, names)
    if not count:
        return f"None of the selected runs has {tag_list}."
    return f"Removed {tag_list} from {count:,} run{'' if count == 1 else 's'}."


@require_POST
@member_required
def tag_run(request: HttpRequest, project: Project, run_id: str) -> HttpResponse:
    """Add the typed tags to a run, or remove the tag in `remove`, and return to the page of the run.

    The query parameter `list` names the list that the run was opened from.
    """
    list_param = encode_list_param(request.GET["list"]) if "list" in request.GET else ""
    run = get_object_or_404(Run, pk=project.record_id(run_id))
    typed, removed = request.POST.get("tag", ""), request.POST.get("remove")
    problem = ""
    try:
        if removed is None:
            tags.add_tags(project, [run.pk], tags.parse_tags(typed), cast(User, request.user))
        else:
            tags.remove_tags(project, [run.pk], tags.parse_tags(removed))
    except InvalidTag as error:
        problem = error.message
    if htmx.is_partial_request(request):
        context = {
            "run": run,
            "project": project,
            "tags": RunTag.objects.names_of(run),
            "list_query": list_param,
            "problem": problem,
            "typed": typed if problem else "",
        }
        return render(request, "pages/run/_tags.html", context, status=422 if problem else 200)
    if problem:
        messages.error(request, problem)
    return redirect(reverse("run", args=[project.slug, run.external_id]) + list_param)
