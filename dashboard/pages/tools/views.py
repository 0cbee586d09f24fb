"""The tools and functions of a project: where they are defined, who calls them, and how that goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.tools import table
from dashboard.pages.tools.params import DEFAULT_ROWS, ToolListParams, ToolSort, ToolTimeRange
from dashboard.web import htmx
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import viewer_required
from runs.analytics import tools
from runs.analytics.tools import ToolSummary
from runs.models import Assistant, Project

FRAGMENTS = {"tools": "tools/_swap.html"}
COLUMN_LABELS = {
    ToolSort.NAME: "Tool",
    ToolSort.CALLS: "Calls",
    ToolSort.FAILED: "Failed",
    ToolSort.MISARGUED: "Mis-argued",
    ToolSort.P50: "p50",
    ToolSort.P95: "p95",
    ToolSort.OUTPUT: "Output, median",
    ToolSort.VERSIONS: "Schema",
    ToolSort.LAST: "Last call",
}


@dataclass(frozen=True, slots=True)
class ToolChoiceLink:
    """A way to see the same otherwise."""

    label: str
    url: str
    current: bool


@require_safe
@viewer_required
@handle_invalid_params
def tool_list(request: HttpRequest, project: Project) -> HttpResponse:
    """`tools/`: what is defined or was called, the most called first; `q` searches names and descriptions."""
    asked = ToolListParams.of(request)
    period = asked.range.period(timezone.now())
    found = tools.fetch_tool_overview(project, period)
    matching = table.search_tools(found, asked.q)
    listed = table.select_tools(matching, asked)
    path = reverse("tools", kwargs={"project": project.slug})
    shown = listed[: asked.rows]
    context = {
        "project": project,
        "asked": asked,
        "period": period,
        "is_empty": not found,
        "rows": table.build_tool_rows(
            shown, project.slug, period, asked, Assistant.objects.names_by_id(project, _collect_assistant_ids(shown))
        ),
        "tabs": table.build_tool_tabs(matching, asked, path),
        "heads": {
            sort.value: ToolChoiceLink(label, path + asked.query(sort=sort), asked.sort == sort)
            for sort, label in COLUMN_LABELS.items()
        },
        "ranges": [
            ToolChoiceLink(each.label, path + asked.query(range=each), asked.range == each) for each in ToolTimeRange
        ],
        "listed": len(listed),
        "more": path + asked.query(rows=asked.rows + DEFAULT_ROWS) if len(listed) > asked.rows else "",
        "rows_more": min(DEFAULT_ROWS, len(listed) - asked.rows),
        "unchecked": sum(tool.counts.unchecked for tool in found),
        "most_steps": tools.MAX_SAMPLED_STEPS,
        "query": asked.query(rows=DEFAULT_ROWS),
        "path": path,
    }
    return htmx.render_page(request, "tools/page.html", context, FRAGMENTS)


def _collect_assistant_ids(listed: list[ToolSummary]) -> set[str | None]:
    """The assistants that those rows name."""
    found: set[Any] = set()
    for tool in listed:
        found.update(tool.definition.assistants if tool.definition else ())
        found.update(tool.calls.by_assistant if tool.calls else ())
    return found
