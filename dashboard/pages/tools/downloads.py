"""The list of tools as JSON and CSV."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.tools.params import ToolListParams
from dashboard.pages.tools.tool_list import fetch_tool_list
from dashboard.web import downloads
from dashboard.web.permissions import viewer_required
from runs.analytics.tools import MAX_SAMPLED_STEPS, ToolSummary
from runs.models import Project
from runs.transfer.exports import ExportColumn

COLUMNS = (
    ExportColumn("type", lambda tool: tool.type),
    ExportColumn("name", lambda tool: tool.name),
    ExportColumn("description", lambda tool: tool.definition.description if tool.definition else None),
    ExportColumn("defined_in", lambda tool: tool.definition.assistants if tool.definition else []),
    ExportColumn("called_by", lambda tool: list(filter(None, tool.calls.by_assistant)) if tool.calls else []),
    ExportColumn("called_as", lambda tool: list(tool.called_as)),
    ExportColumn("calls", lambda tool: tool.counts.calls),
    ExportColumn("failed", lambda tool: tool.counts.failed),
    ExportColumn("checked", lambda tool: tool.counts.checked),
    ExportColumn("invalid", lambda tool: tool.counts.invalid),
    ExportColumn("measured_calls", lambda tool: tool.metrics.calls if tool.metrics else None),
    ExportColumn("p50_ms", lambda tool: tool.metrics.p50_ms if tool.metrics else None),
    ExportColumn("p95_ms", lambda tool: tool.metrics.p95_ms if tool.metrics else None),
    ExportColumn("output_median_bytes", lambda tool: tool.metrics.median_output_bytes if tool.metrics else None),
    ExportColumn("versions", lambda tool: tool.version_count),
    ExportColumn("last_call_at", lambda tool: tool.last_at),
)


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def tool_list_json(request: HttpRequest, project: Project) -> HttpResponse:
    """Return `tools.json`: all tools of the list, with their calls over time."""
    params = ToolListParams.parse(request.GET)
    buckets = params.range.build_buckets(timezone.now())
    tools = fetch_tool_list(project, params, buckets).tools
    return downloads.json_response(
        {
            "object": "list",
            "since": buckets.start,
            "part_seconds": int(buckets.step.total_seconds()),
            "percentiles_over_newest_steps": MAX_SAMPLED_STEPS,
            "data": [_serialize_tool(tool) for tool in tools],
        }
    )


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def tool_list_csv(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Return `tools.csv`: all tools of the list."""
    params = ToolListParams.parse(request.GET)
    tools = fetch_tool_list(project, params, params.range.build_buckets(timezone.now())).tools
    return downloads.csv_response(project, "tools", COLUMNS, tools)


def _serialize_tool(tool: ToolSummary) -> dict[str, Any]:
    calls_over_time = [counts.calls for counts in tool.calls.buckets] if tool.calls else []
    return {column.title: column.value(tool) for column in COLUMNS} | {"parts": calls_over_time}
