"""The list of tools, and the page of one tool or function."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.tools.links import ToolRunLinks, build_tool_path
from dashboard.pages.tools.params import (
    DEFAULT_ROWS,
    ToolDetailParams,
    ToolListParams,
    ToolSort,
    ToolTab,
    ToolTimeRange,
)
from dashboard.pages.tools.sample_calls import fetch_sample_call, fetch_sample_calls
from dashboard.pages.tools.tool_list import fetch_tool_list
from dashboard.pages.tools.tool_rows import HIGH_FAILURE_PERCENT, build_call_share, build_tool_rows
from dashboard.pages.tools.tool_sections import (
    MAX_CONFIGURATIONS,
    build_calling_assistants,
    build_calls_chart,
    build_configurations,
    build_tool_versions,
    fetch_tool,
    format_tool_durations,
)
from dashboard.ui.tool_diff import diff_tools
from dashboard.web import htmx
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import viewer_required
from dashboard.web.timezone import get_reader_timezone
from runs.analytics.tool_samples import fetch_defining_configurations
from runs.analytics.tools import (
    MAX_SAMPLED_STEPS,
    MAX_SAMPLED_STEPS_PER_TOOL,
    fetch_tool_definition_bodies,
)
from runs.models import Assistant, Project

TAB_LABELS = {
    ToolTab.ALL: "All",
    ToolTab.FAILED: "Failed calls",
    ToolTab.INVALID: "Invalid calls",
    ToolTab.UNCALLED: "Never called",
    ToolTab.DIFFERING: "Schema differs",
}


@require_safe
@viewer_required
@handle_invalid_params
def tool_list(request: HttpRequest, project: Project) -> HttpResponse:
    """Render the tools that are defined or were called, by default those with the most calls first."""
    # 1. Parse
    params = ToolListParams.parse(request.GET)
    buckets = params.range.build_buckets(timezone.now())

    # 2. Fetch
    listing = fetch_tool_list(project, params, buckets)
    shown_tools = listing.tools[: params.rows]
    assistant_ids = {
        assistant_id
        for tool in shown_tools
        for assistant_id in (
            *(tool.definition.assistants if tool.definition else ()),
            *(tool.calls.by_assistant if tool.calls else ()),
        )
    }
    assistant_names = Assistant.objects.names_by_id(project, assistant_ids)

    # 3. Render
    path = reverse("tools", kwargs={"project": project.slug})
    remaining = len(listing.tools) - params.rows
    context = {
        "project": project,
        "params": params,
        "path": path,
        # Controls
        "tabs": [
            {
                "label": label,
                "count": listing.tab_counts[tab],
                "url": path + params.query_string(tab=tab),
                "is_current": tab is params.tab,
            }
            for tab, label in TAB_LABELS.items()
        ],
        "range_options": [
            {
                "label": time_range.short_label,
                "url": path + params.query_string(range=time_range),
                "is_current": time_range is params.range,
            }
            for time_range in ToolTimeRange
        ],
        "sort_headers": {
            sort.value: {"url": path + params.query_string(sort=sort), "is_current": sort is params.sort}
            for sort in ToolSort
        },
        "search_form_pairs": [pair for pair in params.query_pairs() if pair[0] not in ("q", "rows")],
        "download_query": params.query_string(rows=DEFAULT_ROWS),
        # Tools
        "rows": build_tool_rows(project, shown_tools, params.range, ToolRunLinks(project, buckets), assistant_names),
        "matching_count": len(listing.tools),
        "more_url": path + params.query_string(rows=params.rows + DEFAULT_ROWS) if remaining > 0 else "",
        "more_count": min(DEFAULT_ROWS, remaining),
        "has_any_tool": bool(listing.all_tools),
        # Notes
        "since": buckets.start,
        "unchecked_count": sum(tool.counts.unchecked for tool in listing.all_tools),
        "max_sampled_steps": MAX_SAMPLED_STEPS,
        "high_share": HIGH_FAILURE_PERCENT,
    }
    return htmx.render_page(request, "pages/tools/list.html", context, {"tools": "pages/tools/_list_swap.html"})


@require_safe
@viewer_required
@handle_invalid_params
def tool_detail(request: HttpRequest, project: Project, tool_type: str, tool_name: str) -> HttpResponse:
    """Render the page of a tool, or the content of one of its calls."""
    # 1. Parse
    params = ToolDetailParams.parse(request.GET)
    buckets = params.range.build_buckets(timezone.now())

    # 2. Fetch
    key = (tool_type, tool_name)
    summary = fetch_tool(project, key, buckets)
    if summary is None:
        raise Http404(f"No tool '{tool_name}' of type '{tool_type}'")
    if params.sample_call is not None:
        call = fetch_sample_call(project, key, *params.sample_call)
        if call is None:
            raise Http404("No such call")
        return htmx.render_page(request, "pages/tools/_call_content.html", {"sample": call})
    version_count = summary.version_count
    if params.compared_versions and not all(1 <= number <= version_count for number in params.compared_versions):
        raise Http404(f"There are {version_count} versions")
    bodies = fetch_tool_definition_bodies(project, key) if summary.definition else {}
    configurations = fetch_defining_configurations(project, key, MAX_CONFIGURATIONS + 1)
    assistant_ids = {
        *(summary.calls.by_assistant if summary.calls else ()),
        *(summary.definition.assistants if summary.definition else ()),
        *(assistant_id for _, assistant_id, _ in configurations),
    }
    assistant_names = Assistant.objects.names_by_id(project, assistant_ids)

    # 3. Render
    path = build_tool_path(project, key)
    links = ToolRunLinks(project, buckets)
    counts = summary.counts
    versions = build_tool_versions(summary.definition, bodies, links, assistant_names)
    context = {
        "project": project,
        "path": path,
        "tool": summary,
        # Controls
        "range": params.range,
        "range_options": [
            {
                "label": time_range.short_label,
                "url": path + ToolDetailParams(range=time_range).query_string(),
                "is_current": time_range is params.range,
            }
            for time_range in ToolTimeRange
        ],
        "list_url": reverse("tools", kwargs={"project": project.slug}) + ToolListParams(params.range).query_string(),
        # Summary
        "calls_url": links.calls(summary),
        "failed": build_call_share(counts.failed, counts.calls, links.failed_calls(summary)),
        "invalid": build_call_share(counts.invalid, counts.checked, links.invalid_calls(summary)),
        "durations": format_tool_durations(summary),
        "since": buckets.start,
        "max_sampled_steps": MAX_SAMPLED_STEPS_PER_TOOL,
        "high_share": HIGH_FAILURE_PERCENT,
        "chart": build_calls_chart(summary, buckets, get_reader_timezone()),
        # Sections
        "callers": build_calling_assistants(summary, links, assistant_names),
        "sample_lists": fetch_sample_calls(project, key),
        "versions": versions,
        "configurations": build_configurations(configurations, links, assistant_names),
        "has_more_configurations": len(configurations) > MAX_CONFIGURATIONS,
        "definitions_url": links.definitions(summary),
    }
    if version_count > 1:
        left_number, right_number = params.compared_versions or (version_count - 1, version_count)
        left, right = versions[left_number - 1], versions[right_number - 1]
        changed = diff_tools([left.definition], [right.definition]).changed
        context |= {"left": left, "right": right, "change": changed[0] if changed else None}
    return htmx.render_page(request, "pages/tools/detail.html", context)
