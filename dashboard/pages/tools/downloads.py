"""The table of tools as files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.tools import table
from dashboard.pages.tools.params import ToolListParams
from dashboard.web import downloads
from dashboard.web.permissions import viewer_required
from runs.analytics import tools
from runs.analytics.tools import ToolCallMetrics, ToolSummary
from runs.models import Project
from runs.rollups.time_buckets import TimeBuckets
from runs.transfer.exports import ExportColumn


def _count_column(name: str) -> ExportColumn:
    return ExportColumn(name, lambda tool: getattr(tool.counts, name))


def _measured_column(title: str, value: Callable[[ToolCallMetrics], int | None]) -> ExportColumn:
    return ExportColumn(title, lambda tool: value(tool.metrics) if tool.metrics else None)


COLUMNS = (
    ExportColumn("type", lambda tool: tool.type),
    ExportColumn("name", lambda tool: tool.name),
    ExportColumn("description", lambda tool: tool.definition.description if tool.definition else None),
    ExportColumn("defined_in", lambda tool: tool.definition.assistants if tool.definition else []),
    ExportColumn("called_by", lambda tool: [each for each in tool.calls.by_assistant if each] if tool.calls else []),
    ExportColumn("called_as", lambda tool: list(tool.called_as)),
    *map(_count_column, ("calls", "failed", "checked")),
    ExportColumn("misargued", lambda tool: tool.counts.invalid),
    _measured_column("measured_calls", lambda measured: measured.calls),
    _measured_column("p50_ms", lambda measured: measured.p50_ms),
    _measured_column("p95_ms", lambda measured: measured.p95_ms),
    _measured_column("output_median_bytes", lambda measured: measured.median_output_bytes),
    ExportColumn("versions", lambda tool: tool.version_count),
    ExportColumn("last_call_at", lambda tool: tool.last_at),
)


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def tool_list_json(request: HttpRequest, project: Project) -> HttpResponse:
    """`tools.json`: all that the page's address asks for, with the calls of each part of the time."""
    asked = ToolListParams.of(request)
    period, listed = _fetch_tools(project, asked)
    return downloads.json_response(
        {
            "object": "list",
            "since": period.start,
            "part_seconds": int(period.step.total_seconds()),
            "percentiles_over_newest_steps": tools.MAX_SAMPLED_STEPS,
            "data": [_build_entry(tool) for tool in listed],
        }
    )


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def tool_list_csv(request: HttpRequest, project: Project) -> HttpResponseBase:
    """`tools.csv`: the same as a table."""
    asked = ToolListParams.of(request)
    return downloads.csv_response(project, "tools", COLUMNS, _fetch_tools(project, asked)[1])


def _fetch_tools(project: Project, asked: ToolListParams) -> tuple[TimeBuckets, list[ToolSummary]]:
    period = asked.range.period(timezone.now())
    return period, table.select_tools(table.search_tools(tools.fetch_tool_overview(project, period), asked.q), asked)


def _build_entry(tool: ToolSummary) -> dict[str, Any]:
    parts = [counts.calls for counts in tool.calls.buckets] if tool.calls else []
    return {column.title: column.value(tool) for column in COLUMNS} | {"parts": parts}
