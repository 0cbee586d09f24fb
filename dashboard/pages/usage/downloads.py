"""The usage report as JSON and CSV."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from dashboard.pages.usage.params import parse_usage_query
from dashboard.web.downloads import csv_response, json_response, respond_with_text_errors
from dashboard.web.permissions import viewer_required
from runs.analytics.usage import (
    UsageLine,
    UsageSums,
    build_usage_lines,
    fetch_latency,
    fetch_usage_report,
    nano_to_usd,
    serialize_usage,
)
from runs.analytics.usage.serialization import MAX_USAGE_GROUPS
from runs.models import Project
from runs.transfer.exports import ExportColumn


def _format_group(line: UsageLine) -> str | None:
    return f"({line.group.other_count} others)" if line.group.other_count else line.group.key


def _sum_column(name: str) -> ExportColumn:
    return ExportColumn(name, lambda line: getattr(line.sums, name))


USAGE_COLUMNS = (
    ExportColumn("from", lambda line: line.since),
    ExportColumn("to", lambda line: line.until),
    ExportColumn("group", _format_group),
    *(_sum_column(name) for name in UsageSums._fields if name != "cost"),
    ExportColumn("cost_usd", lambda line: nano_to_usd(line.sums.cost)),
)
TOKEN_KIND_COLUMNS = (*USAGE_COLUMNS[:3], _sum_column("total_tokens"))


@require_safe
@viewer_required
@respond_with_text_errors
def usage_json(request: HttpRequest, project: Project) -> HttpResponse:
    """Respond with the same document as `GET /api/v1/usage`."""
    query = parse_usage_query(request)
    report = fetch_usage_report(project, query, MAX_USAGE_GROUPS)
    return json_response(serialize_usage(report, fetch_latency(project, query)))


@require_safe
@viewer_required
@respond_with_text_errors
def usage_csv(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Respond with a line for each group in each bucket of time."""
    query = parse_usage_query(request)
    report = fetch_usage_report(project, query, MAX_USAGE_GROUPS)
    columns = TOKEN_KIND_COLUMNS if query.split.name == "kind" else USAGE_COLUMNS
    return csv_response(project, "usage", columns, build_usage_lines(report))
