"""The page of one run."""

from __future__ import annotations

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.run.comment_views import build_run_comments
from dashboard.pages.run.configuration import ConfigurationSection
from dashboard.pages.run.errors import ErrorsSection
from dashboard.pages.run.header import OverviewSection, RunHeader
from dashboard.pages.run.history import HistorySection, fetch_version_diff
from dashboard.pages.run.model_calls import ModelCallsSection
from dashboard.pages.run.params import RunPageParams, parse_step_number
from dashboard.pages.run.raw_json import RawJsonTree
from dashboard.pages.run.responses import RunResponses
from dashboard.pages.run.search_hit import fetch_search_hit, get_search_words
from dashboard.pages.run.steps import (
    MAX_STEPS_COUNTED,
    fetch_opening_steps,
    fetch_run_step,
    fetch_run_steps,
    fetch_unread_steps,
)
from dashboard.pages.run.timeline.section import Timeline
from dashboard.pages.run.tools import ToolsSection
from dashboard.pages.run.usage import UsageSection
from dashboard.ui.posted_object import PostedObject
from dashboard.web import htmx
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import viewer_required
from runs.analytics.linked_runs import fetch_linked_runs
from runs.analytics.run_steps import fetch_step_totals
from runs.analytics.run_turns import fetch_run_turns
from runs.models import Project, RunAlias, RunReview, RunTag, User

RUN_FRAGMENTS = {
    "run-header": "pages/run/_update.html",
    "peek-body": "pages/run/_peek.html",
    "timeline": "pages/run/_timeline.html",
    "errors": "pages/run/_errors.html",
    "tools": "pages/run/_tools.html",
    "usage": "pages/run/_usage.html",
    "change": "pages/run/_configuration_change.html",
    "model-calls": "pages/run/_model_calls.html",
    "raw": "pages/run/_raw_json.html",
    "raw-tree": "pages/run/_raw_json_tree.html",
    "history": "pages/run/_history.html",
}


@require_safe
@viewer_required
@handle_invalid_params
def run_detail(request: HttpRequest, project: Project, run_id: str) -> HttpResponse:
    """Render the page of a run, its header, one of its sections, or the content of a timeline row."""
    # 1. Parse
    params = RunPageParams.parse(request.GET)
    target = htmx.get_fragment_target(request) or ""

    # 2. Fetch. Sections run further queries when a template reads them, so that a fragment costs only what it shows.
    run = RunAlias.objects.resolve_run(project, run_id)
    if run is None:
        raise Http404(f"No run '{run_id}'")
    if run.external_id != run_id:  # a derived run that took this one over
        address = reverse("run", kwargs={"project": project.slug, "run_id": run.external_id})
        return redirect(f"{address}?{request.META['QUERY_STRING']}".removesuffix("?"))
    run.project = project
    now = timezone.now()
    posted = PostedObject(run.members())
    if target == "run-header":
        totals = fetch_step_totals(run)
        header = RunHeader(run, posted, totals, fetch_run_turns(run, totals), now, params)
        if not header.has_newer_state:
            context = {"project": project, "run": run, "params": params, "header": header}
            context |= {"tags": RunTag.objects.names_of(run), "review": RunReview.objects.of_run(run)}
            return htmx.render_page(request, "pages/run/_header.html", context)

    if target.startswith("row-"):
        position = target.removeprefix("row-")
        step = fetch_run_step(run, posted, parse_step_number(position))
        timeline = Timeline(run, step, now, params)
        row = timeline.find_row(position)
        if row is None:
            raise Http404(f"No timeline row '{target}'")
        context = {"project": project, "params": params, "timeline": timeline, "row": row}
        context["search_words"] = get_search_words(params)
        return htmx.render_page(request, "pages/run/_timeline_row_body.html", context)

    if params.branch is not None and htmx.is_partial_request(request):
        number = parse_step_number(params.branch)
        steps = fetch_run_step(run, posted, number) if number else fetch_unread_steps(run, posted)
        timeline = Timeline(run, steps, now, params)
        context = {"project": project, "params": params, "timeline": timeline, "rows": timeline.branch_rows}
        return htmx.render_page(request, "pages/run/_timeline_rows.html", context)

    if params.needs_all_steps:
        steps = fetch_run_steps(run, posted, params.open_step_number, max_steps=MAX_STEPS_COUNTED)
    else:
        steps = fetch_opening_steps(run, posted, params.open_step_number)
    timeline = Timeline(run, steps, now, params)
    version_diff = None
    if params.from_version is not None and params.to_version is not None:
        version_diff = fetch_version_diff(run, params.step_id, params.from_version, params.to_version)
        if version_diff is None:
            raise Http404(f"No versions {params.from_version} and {params.to_version}")

    # 3. Render
    errors = ErrorsSection(run, posted, steps, timeline, now, is_full="errors" in params.full)
    history = HistorySection(run, [record for _, record in steps.listed], version_diff)
    turns = fetch_run_turns(run, steps.totals, history.observations)
    header = RunHeader(run, posted, steps.totals, turns, now, params, errors)
    context = {
        "project": project,
        "run": run,
        "params": params,
        "header": header,
        "tags": RunTag.objects.names_of(run),
        "review": RunReview.objects.of_run(run),
        "steps": steps,
        "overview": OverviewSection(run, steps, timeline),
        "timeline": timeline,
        "linked_runs": fetch_linked_runs(run),
        "model_calls": ModelCallsSection(run, timeline, is_loaded="model-calls" in params.full),
        "tools": ToolsSection(posted, steps, timeline, is_full="tools" in params.full),
        "errors": errors,
        "usage": UsageSection(run, posted, steps, timeline, header.cost, is_full="usage" in params.full),
        "configuration": ConfigurationSection(run, posted, is_change_shown="change" in params.full),
        "comments": build_run_comments(project, run, cast(User, request.user)),
        "raw_json": RawJsonTree(run, posted.members, params),
        "responses": RunResponses(run),
        "search_words": get_search_words(params),
        "search_hit": fetch_search_hit(run, params, timeline),
        "history": history,
    }
    # An open page of a run that went on gets the whole body, which is morphed into the old one.
    return htmx.render_page(request, "pages/run/page.html", context, RUN_FRAGMENTS)
