"""The usage page as files."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from dashboard.pages.usage.views import parse_usage_query
from dashboard.web import downloads
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


def _of_sums(name: str) -> ExportColumn:
    return ExportColumn(name, lambda line: getattr(line.sums, name))


def _key(line: UsageLine) -> str | None:
    return f"({line.group.other_count} others)" if line.group.other_count else line.group.key


COLUMNS = (
    ExportColumn("from", lambda line: line.since),
    ExportColumn("to", lambda line: line.until),
    ExportColumn("group", _key),
    *(_of_sums(name) for name in UsageSums._fields if name != "cost"),
    ExportColumn("cost_usd", lambda line: nano_to_usd(line.sums.cost)),
)
TOKEN_KIND_COLUMNS = (*COLUMNS[:3], _of_sums("total_tokens"))


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def usage_json(request: HttpRequest, project: Project) -> HttpResponse:
    """`usage.json`: what `GET /api/v1/usage` answers."""
    question = parse_usage_query(request)
    return downloads.json_response(
        serialize_usage(fetch_usage_report(project, question, MAX_USAGE_GROUPS), fetch_latency(project, question))
    )


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def usage_csv(request: HttpRequest, project: Project) -> HttpResponseBase:
    """`usage.csv`: a line for each group in each part of the time."""
    question = parse_usage_query(request)
    columns = TOKEN_KIND_COLUMNS if question.split.name == "kind" else COLUMNS
    return downloads.csv_response(
        project, "usage", columns, build_usage_lines(fetch_usage_report(project, question, MAX_USAGE_GROUPS))
    )
