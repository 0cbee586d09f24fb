"""The usage page."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard.pages.usage.chart import build_usage_chart
from dashboard.pages.usage.controls import UsageControls
from dashboard.pages.usage.links import UsageLinks
from dashboard.pages.usage.params import parse_usage_query
from dashboard.pages.usage.summary import build_usage_summary
from dashboard.pages.usage.tables import build_latency_table, build_usage_breakdown
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import viewer_required
from runs.analytics.usage import (
    MAX_COUNTED_USAGE_RUNS,
    SELECT_ALL_SUMS,
    UsageQuery,
    UsageSelection,
    UsageSplit,
    fetch_latency,
    fetch_metadata_keys,
    fetch_usage_report,
)
from runs.analytics.usage.latency import MAX_LATENCY_ASSISTANTS, MAX_LATENCY_RUNS
from runs.analytics.usage.table import MEASURE_COLUMNS
from runs.enrichment import derived_fields
from runs.models import Assistant, Membership, Project

MAX_USAGE_GROUPS = 20
# The sums of the second table.
TABLE_SUMS = ("runs", "prompt_tokens", "completion_tokens", "total_tokens", "cost", "unpriced_tokens")
_MODEL_SPLIT = UsageSplit("model")
_ASSISTANT_SPLIT = UsageSplit("assistant")


@require_safe
@viewer_required
@handle_invalid_params
def usage_overview(request: HttpRequest, project: Project) -> HttpResponse:
    """Render the usage of a period: totals, a chart, two tables of groups, and latency."""
    # 1. Parse
    query = parse_usage_query(request)

    # 2. Fetch. The second table is split by model, or by assistant if the first one is split by model.
    report = fetch_usage_report(project, query, MAX_USAGE_GROUPS, _select_sums(query))
    second_query = replace(query, split=_ASSISTANT_SPLIT if query.split == _MODEL_SPLIT else _MODEL_SPLIT)
    second_report = fetch_usage_report(
        project, second_query, MAX_USAGE_GROUPS, UsageSelection(TABLE_SUMS, (), ()), has_series=False
    )
    latency = fetch_latency(project, query)
    reports = {query.split: report, second_query.split: second_report}
    assistant_ids = {stats.assistant_id for stats in latency.assistants} if latency else set()
    if _ASSISTANT_SPLIT in reports:
        assistant_ids |= {group.key for group in reports[_ASSISTANT_SPLIT].groups}
    names = Assistant.objects.names_by_id(project, assistant_ids)
    unpriced_models = [group for group in reports[_MODEL_SPLIT].groups if group.sums.unpriced_tokens]

    # 3. Render
    latency_since = latency.counted_since if latency else None
    page_path, runs_path, prices_url = (
        reverse(name, kwargs={"project": project.slug}) for name in ("usage", "runs", "prices")
    )
    links = UsageLinks(query, page_path, runs_path, report.counted_since, latency_since)
    second_links = replace(links, query=second_query, groups_since=second_report.counted_since)
    can_set_prices = project.role == Membership.Role.ADMIN
    context = {
        "project": project,
        "usage_query": query,
        "page_path": page_path,
        "download_query": f"?{request.GET.urlencode()}" if request.GET else "",
        "controls": UsageControls(query, links, fetch_metadata_keys(project)),
        "summary": build_usage_summary(
            report, latency, links, len(unpriced_models), prices_url if can_set_prices else ""
        ),
        "chart": build_usage_chart(report, links, names),
        "breakdown": build_usage_breakdown(report, links, names),
        "second_breakdown": build_usage_breakdown(second_report, second_links, names),
        "latency": build_latency_table(latency, links, names) if latency else None,
        "is_empty": not (report.totals.runs or (report.previous and report.previous.runs)),
        "is_capped": report.is_capped,
        "groups_since": report.counted_since,
        "latency_since": latency_since,
        "are_costs_outdated": project.enriched_with != derived_fields.derivation_fingerprint(project),
        "max_counted_runs": MAX_COUNTED_USAGE_RUNS,
        "max_latency_runs": MAX_LATENCY_RUNS,
        "max_latency_assistants": MAX_LATENCY_ASSISTANTS,
    }
    return render(request, "pages/usage/page.html", context)


def _select_sums(query: UsageQuery) -> UsageSelection:
    """Select the measured sums for the chart, and sums of the previous period for the changes.

    The groups of a split by kind are computed from all sums.
    """
    if query.split.name == "kind":
        return SELECT_ALL_SUMS
    return UsageSelection(previous=("runs", "total_tokens", "cost"), series=(MEASURE_COLUMNS[query.measure],))
