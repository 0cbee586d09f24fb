"""The tools and functions of a project: where they are defined, who calls them, and how that goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.tools import table
from dashboard.pages.tools.params import ROWS, Asked, Range, Sort
from dashboard.web import htmx
from dashboard.web.invalid_params import refusing
from dashboard.web.permissions import project_page
from runs.analytics import tools
from runs.analytics.tools import Tool
from runs.models import Assistant, Project

FRAGMENTS = {"tools": "tools/_swap.html"}
_HEADS = {
    Sort.NAME: "Tool",
    Sort.CALLS: "Calls",
    Sort.FAILED: "Failed",
    Sort.MISARGUED: "Mis-argued",
    Sort.P50: "p50",
    Sort.P95: "p95",
    Sort.OUTPUT: "Output, median",
    Sort.VERSIONS: "Schema",
    Sort.LAST: "Last call",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A way to see the same otherwise."""

    label: str
    url: str
    current: bool


@require_safe
@project_page
@refusing
def page(request: HttpRequest, project: Project) -> HttpResponse:
    """`tools/`: what is defined or was called, the most called first; `q` searches names and descriptions."""
    asked = Asked.of(request)
    period = asked.range.period(timezone.now())
    found = tools.overview(project, period)
    matching = table.matching(found, asked.q)
    listed = table.selected(matching, asked)
    path = reverse("tools", kwargs={"project": project.slug})
    shown = listed[: asked.rows]
    context = {
        "project": project,
        "asked": asked,
        "period": period,
        "is_empty": not found,
        "rows": table.rows(shown, project.slug, period, asked, Assistant.objects.names(project, _assistants(shown))),
        "tabs": table.tabs(matching, asked, path),
        "heads": {
            sort.value: Choice(label, path + asked.query(sort=sort), asked.sort == sort)
            for sort, label in _HEADS.items()
        },
        "ranges": [Choice(each.label, path + asked.query(range=each), asked.range == each) for each in Range],
        "listed": len(listed),
        "more": path + asked.query(rows=asked.rows + ROWS) if len(listed) > asked.rows else "",
        "rows_more": min(ROWS, len(listed) - asked.rows),
        "unchecked": sum(tool.counts.unchecked for tool in found),
        "most_steps": tools.MOST_STEPS,
        "query": asked.query(rows=ROWS),
        "path": path,
    }
    return htmx.render_page(request, "tools/page.html", context, FRAGMENTS)


def _assistants(listed: list[Tool]) -> set[str | None]:
    """The assistants that those rows name."""
    found: set[Any] = set()
    for tool in listed:
        found.update(tool.defined.assistants if tool.defined else ())
        found.update(tool.called.assistants if tool.called else ())
    return found
