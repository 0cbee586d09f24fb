"""The page of one run."""

from __future__ import annotations

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.run.comment_views import build_run_comments
from dashboard.pages.run.header import RunHeader
from dashboard.pages.run.history import HistorySection, fetch_version_diff
from dashboard.pages.run.params import RunPageParams
from dashboard.pages.run.search_hit import fetch_search_hit, get_search_words
from dashboard.pages.run.sections import (
    SECTION_FRAGMENTS,
    build_branch_context,
    build_row_context,
    build_section_context,
    fetch_page_steps,
)
from dashboard.pages.run.timeline.section import Timeline
from dashboard.ui.posted_object import PostedObject
from dashboard.web import htmx
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import viewer_required
from runs.analytics.linked_runs import fetch_linked_runs
from runs.analytics.run_steps import fetch_step_totals
from runs.analytics.run_turns import fetch_run_turns
from runs.models import Project, RunAlias, RunReview, RunTag, User

RUN_FRAGMENTS = {
    **SECTION_FRAGMENTS,
    "run-header": "pages/run/_update.html",
    "peek-body": "pages/run/_peek.html",
    "change": "pages/run/_configuration_change.html",
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
    url_names = {"project": project.slug, "run_id": run.external_id}
    run_url = reverse("run", kwargs=url_names)
    if run.external_id != run_id:  # a derived run that took this one over
        return redirect(f"{run_url}?{request.META['QUERY_STRING']}".removesuffix("?"))
    run.project = project
    now = timezone.now()
    posted = PostedObject(run.members())
    if target == "run-header":
        totals = fetch_step_totals(run)
        header = RunHeader(run, posted, totals, fetch_run_turns(run, totals), now, params)
        if not header.has_newer_state:
            context = {"project": project, "run": run, "run_url": run_url, "params": params, "header": header}
            context |= {"tags": RunTag.objects.names_of(run), "review": RunReview.objects.of_run(run)}
            return htmx.render_page(request, "pages/run/_header.html", context)

    if target.startswith("row-"):
        context = build_row_context(run, posted, now, params, target.removeprefix("row-"))
        context |= {"project": project, "search_words": get_search_words(params)}
        return htmx.render_page(request, "pages/run/_timeline_row_body.html", context)

    if params.branch is not None and htmx.is_partial_request(request):
        context = {"project": project, **build_branch_context(run, posted, now, params, params.branch)}
        return htmx.render_page(request, "pages/run/_timeline_rows.html", context)

    steps = fetch_page_steps(run, posted, params)
    timeline = Timeline(run, steps, now, params)
    version_diff = None
    if params.from_version is not None and params.to_version is not None:
        version_diff = fetch_version_diff(run, params.step_id, params.from_version, params.to_version)
        if version_diff is None:
            raise Http404(f"No versions {params.from_version} and {params.to_version}")

    # 3. Render
    history = HistorySection(run, [record for _, record in steps.listed], version_diff)
    turns = fetch_run_turns(run, steps.totals, history.observations)
    json_url = reverse("run-json", kwargs=url_names)
    context = build_section_context(run, posted, steps, timeline, turns, json_url)
    context |= {
        "project": project,
        "run_url": run_url,
        "tags": RunTag.objects.names_of(run),
        "review": RunReview.objects.of_run(run),
        "linked_runs": fetch_linked_runs(run),
        "comments": build_run_comments(project, run, cast(User, request.user)),
        "search_words": get_search_words(params),
        "search_hit": fetch_search_hit(run, params, timeline),
        "history": history,
    }
    # An open page of a run that went on gets the whole body, which is morphed into the old one.
    return htmx.render_page(request, "pages/run/page.html", context, RUN_FRAGMENTS)
