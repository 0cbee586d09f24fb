"""The page of one assistant: its versions, one of them against another."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from django_htmx.http import trigger_client_event

from dashboard.pages.assistants.comparison import Against
from dashboard.pages.assistants.links import RunLinks
from dashboard.pages.assistants.params import Asked
from dashboard.pages.assistants.version_list import MOST_NEWEST, VersionList
from dashboard.web import htmx
from dashboard.web.invalid_params import refusing
from dashboard.web.permissions import WRITERS, project_page
from runs.analytics import version_comparison, versions
from runs.analytics.versions import Versions
from runs.models import Assistant, Project, Run
from runs.protocol.assistant import LONGEST_NAME
from runs.protocol.lossless_json import clean
from runs.query import RunFilters
from runs.query.relative_times import Moment

PAGE = "assistant/page.html"
FRAGMENTS = {"versions": "assistant/_versions.html"}
LATELY = Moment("-24h")


@require_safe
@project_page
@refusing
def page(request: HttpRequest, project: Project, assistant_id: str) -> HttpResponse:
    """`assistants/<assistant_id>/`: `version` against `base`, `within` a time of the change; listed from `upto` on."""
    stored_id = clean(assistant_id)
    named = Assistant.objects.find(project, stored_id)
    known = versions.versions(project, stored_id)
    if named is None and not known.all:
        raise Http404("No such assistant")
    asked = Asked.of(request, known)
    links = RunLinks(project)
    context: dict[str, Any] = {
        "project": project,
        "assistant_id": stored_id,
        "named": named,
        "may_name": project.role in WRITERS,
        "longest_name": LONGEST_NAME,
        "asked": asked,
        "runs_url": links.of_assistant(stored_id),
        "lately_url": links.of_assistant(stored_id, LATELY),
    }
    if known.all:
        context |= _versions(known, asked, links)
        lately = RunFilters(assistant=(stored_id,), since=LATELY)
        context["lately"] = Run.objects.in_project(project).matching(lately).count_at_most(versions.MOST_COUNTED)
    response = htmx.render_page(request, PAGE, context, FRAGMENTS)
    if known.all and htmx.fragment_target(request) == "versions":
        trigger_client_event(response, "announce", {"value": context["against"].title})
    return response


def _versions(known: Versions, asked: Asked, links: RunLinks) -> dict[str, Any]:
    return {
        "known": known,
        "list": VersionList(known, asked, links),
        "against": Against(known, asked, links),
        "most_runs": version_comparison.MOST_RUNS,
        "most_stepped": version_comparison.MOST_STEPPED,
        "most_newest": MOST_NEWEST,
        "most_counted": versions.MOST_COUNTED,
        "most_beside": versions.MOST_BESIDE,
        "most_versions": versions.MOST_LOOKED_AT,
    }
