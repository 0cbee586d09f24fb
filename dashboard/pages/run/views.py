"""The page of one run, and the run as JSON."""

from __future__ import annotations

import re
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from dashboard.pages.run.comments import CommentsSection
from dashboard.pages.run.params import RunPageParams
from dashboard.pages.run.run_page import RunPage, fetch_run_header
from dashboard.ui import json_pointer
from dashboard.web import htmx, query_params
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import viewer_required
from runs.errors import Problem
from runs.models import Project, Run, RunTag, User

FRAGMENTS = {
    "timeline": "pages/run/_timeline.html",
    "tools": "pages/run/_tools.html",
    "usage": "pages/run/_usage.html",
    "change": "pages/run/_configuration_change.html",
    "raw": "pages/run/_raw.html",
    "raw-tree": "pages/run/_raw_tree.html",
    "history": "pages/run/_history.html",
}


@require_safe
@viewer_required
@handle_invalid_params
def run_detail(request: HttpRequest, project: Project, run_id: str) -> HttpResponse:
    """`runs/<run_id>/`, as `Asked` says."""
    run = _get_run_or_404(project, run_id)
    asked = RunPageParams.of(request)
    target = htmx.get_fragment_target(request) or ""
    context: dict[str, Any] = {"asked": asked, "run": run, "project": project}
    if target == "run-head":
        context["header"] = fetch_run_header(run, asked, timezone.now())
        return htmx.render_page(request, "pages/run/_header.html", context)
    shown = RunPage(run, asked, timezone.now())
    if asked.compared and shown.comparison is None:
        raise Http404(f"No versions {asked.compared[0]} and {asked.compared[1]}")
    if target.startswith("row-"):
        return _body(request, shown, target.removeprefix("row-"))
    comments = CommentsSection(run, cast(User, request.user), project.role)
    context |= {"page": shown, "header": shown.header, "comments": comments, "tags": RunTag.objects.names_of(run)}
    return htmx.render_page(request, "pages/run/page.html", context, FRAGMENTS)


@require_safe
@viewer_required
@handle_invalid_params
def run_json(request: HttpRequest, project: Project, run_id: str) -> HttpResponse:
    """`runs/<run_id>.json`: the object as it was posted, or what stands `at` a JSON pointer in it.

    `?download=1` saves it as a file.
    """
    run = _get_run_or_404(project, run_id)
    given = query_params.read_query_params(request, "at", "download")
    if given.get("download", "1") != "1":
        raise query_params.build_params_error(Problem("download", "known is 1"))
    body = run.as_json() if "at" not in given else json_pointer.resolve_pointer(run.members(), given["at"])
    if body is None:
        raise Http404(f"Nothing stands at '{given['at']}'")
    response = HttpResponse(body, content_type="application/json")
    if "download" in given:
        name = re.sub(r"[^\w.-]", "_", run.external_id)
        response["Content-Disposition"] = content_disposition_header(True, f"{name}.json") or "attachment"
    return response


def _body(request: HttpRequest, shown: RunPage, place: str) -> HttpResponse:
    """What a line of the timeline holds, for when it is unfolded."""
    row = shown.timeline.row(place)
    if row is None:
        raise Http404(f"No step at '{place}'")
    return htmx.render_page(request, "pages/run/_timeline_row_body.html", {"row": row, "timeline": shown.timeline})


def _get_run_or_404(project: Project, run_id: str) -> Run:
    run = Run.objects.find(project, run_id)
    if run is None:
        raise Http404(f"No run '{run_id}'")
    run.project = project
    return run
