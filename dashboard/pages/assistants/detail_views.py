"""The page of one assistant: its versions, one of them against another."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from django_htmx.http import trigger_client_event

from dashboard.pages.assistants.comparison import VersionComparisonSection
from dashboard.pages.assistants.links import AssistantRunLinks
from dashboard.pages.assistants.params import AssistantDetailParams
from dashboard.pages.assistants.version_list import MAX_RECENT_RUNS, VersionList
from dashboard.web import htmx
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import WRITE_ROLES, viewer_required
from runs.analytics import version_comparison, versions
from runs.analytics.versions import AssistantVersions
from runs.models import Assistant, Project, Run
from runs.protocol.assistant import MAX_ASSISTANT_NAME_LENGTH
from runs.protocol.lossless_json import clean_text
from runs.query import RunFilters
from runs.query.relative_times import TimeExpression

TEMPLATE = "assistant/page.html"
FRAGMENTS = {"versions": "assistant/_versions.html"}
LAST_24_HOURS = TimeExpression("-24h")


@require_safe
@viewer_required
@handle_invalid_params
def assistant_detail(request: HttpRequest, project: Project, assistant_id: str) -> HttpResponse:
    """`assistants/<assistant_id>/`: `version` against `base`, `within` a time of the change; listed from `upto` on."""
    stored_id = clean_text(assistant_id)
    named = Assistant.objects.find(project, stored_id)
    known = versions.fetch_versions(project, stored_id)
    if named is None and not known.versions:
        raise Http404("No such assistant")
    asked = AssistantDetailParams.of(request, known)
    links = AssistantRunLinks(project)
    context: dict[str, Any] = {
        "project": project,
        "assistant_id": stored_id,
        "named": named,
        "may_name": project.role in WRITE_ROLES,
        "longest_name": MAX_ASSISTANT_NAME_LENGTH,
        "asked": asked,
        "runs_url": links.of_assistant(stored_id),
        "lately_url": links.of_assistant(stored_id, LAST_24_HOURS),
    }
    if known.versions:
        context |= _versions(known, asked, links)
        lately = RunFilters(assistant=(stored_id,), since=LAST_24_HOURS)
        context["lately"] = lately.apply(Run.objects.in_project(project)).count_at_most(
            versions.MAX_COUNTED_VERSION_RUNS
        )
    response = htmx.render_page(request, TEMPLATE, context, FRAGMENTS)
    if known.versions and htmx.get_fragment_target(request) == "versions":
        trigger_client_event(response, "announce", {"value": context["against"].title})
    return response


def _versions(known: AssistantVersions, asked: AssistantDetailParams, links: AssistantRunLinks) -> dict[str, Any]:
    return {
        "known": known,
        "list": VersionList(known, asked, links),
        "against": VersionComparisonSection(known, asked, links),
        "most_runs": version_comparison.MAX_SIDE_RUNS,
        "most_stepped": version_comparison.MAX_SIDE_RUNS_WITH_STEPS,
        "most_newest": MAX_RECENT_RUNS,
        "most_counted": versions.MAX_COUNTED_VERSION_RUNS,
        "most_beside": versions.MAX_COUNTED_CONCURRENT_RUNS,
        "most_versions": versions.MAX_VERSIONS,
    }
