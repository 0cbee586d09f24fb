"""A run as people see it who have a link to it: read-only, without the parts that the link leaves out."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.run.downloads import RunJsonParams, respond_with_json
from dashboard.pages.run.params import RunPageParams
from dashboard.pages.run.sections import (
    SECTION_FRAGMENTS,
    build_branch_context,
    build_row_context,
    build_section_context,
    fetch_page_steps,
)
from dashboard.pages.run.sharing.access import share_link_required
from dashboard.pages.run.timeline.section import Timeline
from dashboard.ui.posted_object import PostedObject
from dashboard.web import htmx
from runs.analytics.run_turns import fetch_run_turns
from runs.models import Run, ShareLink
from runs.team.left_out_parts import leave_out_of_run

SHARED_RUN_FRAGMENTS = {**SECTION_FRAGMENTS, "run-header": "pages/run/sharing/_update.html"}
# What the sources tell of a run, in terms of their own. It repeats all that a link may leave out.
_SOURCE_SECTIONS = ("model_calls", "responses")


@require_safe
@share_link_required
def shared_run(request: HttpRequest, link: ShareLink, run: Run, token: str) -> HttpResponse:
    """Render the page of a shared run, one of its sections, or the content of a timeline row."""
    # 1. Parse. The list that a run was opened from, and its history, belong to the project.
    params = replace(
        RunPageParams.parse(request.GET), run_list=None, from_version=None, to_version=None, step_id="", seen_state=""
    )
    target = htmx.get_fragment_target(request) or ""

    # 2. Fetch, without what is left out
    now = timezone.now()
    posted = PostedObject(leave_out_of_run(run.members(), link.left_out), link.left_out)
    shared = {"link": link, "csrf_token": ""}
    if target.startswith("row-"):
        context = build_row_context(run, posted, now, params, target.removeprefix("row-"))
        return htmx.render_page(request, "pages/run/_timeline_row_body.html", {**context, **shared})
    if params.branch is not None and htmx.is_partial_request(request):
        context = build_branch_context(run, posted, now, params, params.branch)
        return htmx.render_page(request, "pages/run/_timeline_rows.html", {**context, **shared})
    steps = fetch_page_steps(run, posted, params)
    timeline = Timeline(run, steps, now, params)

    # 3. Render
    names = {"token": token}
    json_url = reverse("shared-run-json", kwargs=names)
    turns = fetch_run_turns(run, steps.totals)
    context = build_section_context(run, posted, steps, timeline, turns, json_url, is_shared=True)
    context |= {**shared, "run_url": reverse("shared-run", kwargs=names)}
    fragments = dict(SHARED_RUN_FRAGMENTS)
    if link.left_out:
        context = {name: section for name, section in context.items() if name not in _SOURCE_SECTIONS}
        del fragments["model-calls"]
    return htmx.render_page(request, "pages/run/sharing/page.html", context, fragments)


@require_safe
@share_link_required
def shared_run_json(request: HttpRequest, link: ShareLink, run: Run, _token: str) -> HttpResponse:
    """Respond with a shared run as JSON, without what its link leaves out, or with the value at a JSON pointer."""
    params = RunJsonParams.parse(request.GET)
    return respond_with_json(run, leave_out_of_run(run.members(), link.left_out), params)
