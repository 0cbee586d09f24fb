"""Tagging: the runs that were selected in the list, and the one that is open."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import cast
from urllib.parse import parse_qs

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from dashboard.pages.runs.selection import parse_selected_runs
from dashboard.pages.runs.views import fetch_run_rows
from dashboard.ui import run_columns
from dashboard.ui.run_list_address import parse_run_list_or_default
from dashboard.ui.run_rows import encode_list_param
from dashboard.web import htmx
from dashboard.web.permissions import member_required, viewer_required
from runs.errors import InvalidFilter, InvalidTag
from runs.models import Project, Run, RunTag, User
from runs.query import value_counts
from runs.team import tags

LIST_FRAGMENTS = {"tagging": "runs/_tagged.html"}
RUN_FRAGMENT = "pages/run/_tags.html"
ACTIONS = ("add", "remove")


@require_safe
@viewer_required
def tag_suggestions(request: HttpRequest, project: Project) -> HttpResponse:
    """The tags that are in use, as the options of a list, the most frequent first."""
    return render(
        request,
        "runs/_known_tags.html",
        {"known_tags": value_counts.fetch_tag_values(project, "%")[: value_counts.MAX_COUNTED_VALUES]},
    )


@require_POST
@member_required
def tag_selected_runs(request: HttpRequest, project: Project) -> HttpResponse:
    """Put the tags that were typed on the selected runs, or take them off, and go back to the list."""
    action = request.POST.get("do", "")
    if action not in ACTIONS:
        return _refusal(f"do: expected {' or '.join(ACTIONS)}")
    address, filters = parse_run_list_or_default(project, parse_qs(request.POST.get("query", "")))
    typed = request.POST.get("tag", "")
    try:
        keys = parse_selected_runs(request)
        said = _change(request, project, keys, action, tags.parse_tags(typed))
    except (InvalidFilter, InvalidTag) as error:
        return _refuse(request, error, typed, address.of(filters))
    if htmx.get_fragment_target(request) not in LIST_FRAGMENTS:
        messages.success(request, said)
        return redirect(address.of(filters))
    shown = run_columns.visible_columns(cast(User, request.user), address.columns)
    runs = list(Run.objects.in_project(project).with_ids(keys).for_list())
    context = {
        "said": said,
        "rows": fetch_run_rows(project, runs, shown, address, filters, timezone.now()),
        "shown": run_columns.build_column_flags(shown),
    }
    response = htmx.render_page(request, LIST_FRAGMENTS["tagging"], context)
    trigger_client_event(response, "announce", {"value": said})
    return response


@require_POST
@member_required
def tag_run(request: HttpRequest, project: Project, run_id: str) -> HttpResponse:
    """Put what was typed on one run, or take off the tag that `remove` names, and go back to its page.

    `list` of the address is the list that the run was opened from, as on its page.
    """
    beside = encode_list_param(request.GET["list"]) if "list" in request.GET else ""
    run = get_object_or_404(Run, pk=project.record_id(run_id))
    typed, gone = request.POST.get("tag", ""), request.POST.get("remove")
    problem = ""
    try:
        if gone is None:
            tags.add_tags(project, [run.pk], tags.parse_tags(typed), cast(User, request.user))
        else:
            tags.remove_tags(project, [run.pk], tags.parse_tags(gone))
    except InvalidTag as error:
        problem = error.message
    if htmx.is_partial_request(request):
        context = {"run": run, "project": project, "tags": RunTag.objects.names_of(run), "beside": beside}
        context |= {"problem": problem, "typed": typed if problem else ""}
        return render(request, RUN_FRAGMENT, context, status=422 if problem else 200)
    if problem:
        messages.error(request, problem)
    return redirect(reverse("run", args=[project.slug, run.external_id]) + beside)


def _change(
    request: HttpRequest, project: Project, keys: Collection[uuid.UUID], action: str, names: Collection[str]
) -> str:
    """What was done, as a sentence. Raises InvalidTag."""
    if action == "add":
        count = tags.add_tags(project, keys, names, cast(User, request.user))
        return _sentence("Tagged", count, "with", names) if count else f"All of them had {_listed(names)} already."
    count = tags.remove_tags(project, keys, names)
    return _sentence("Untagged", count, "from", names) if count else f"None of them had {_listed(names)}."


def _sentence(done: str, count: int, preposition: str, names: Collection[str]) -> str:
    return f"{done} {count:,} run{'' if count == 1 else 's'} {preposition} {_listed(names)}."


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)


def _refuse(request: HttpRequest, error: InvalidFilter | InvalidTag, typed: str, address: str) -> HttpResponse:
    """What was expected, where it was typed; in the list where no script is at work."""
    words = "No runs are selected." if isinstance(error, InvalidFilter) else error.message
    if htmx.get_fragment_target(request) in LIST_FRAGMENTS:
        return htmx.render_page(request, LIST_FRAGMENTS["tagging"], {"problem": words, "typed": typed}, status=422)
    messages.warning(request, words)
    return redirect(address)


def _refusal(message: str) -> HttpResponse:
    return HttpResponseBadRequest(message, content_type="text/plain; charset=utf-8")
