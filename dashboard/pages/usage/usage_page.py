"""All of the usage page: the answers to its questions, and their numbers in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from dashboard.pages.usage.chart import build_usage_chart
from dashboard.pages.usage.controls import UsageControls
from dashboard.pages.usage.links import UsageLinks
from dashboard.pages.usage.summary import UsageFigure, build_usage_summary
from dashboard.pages.usage.tables import (
    LatencyTable,
    UsageBreakdown,
    build_latency_table,
    build_usage_breakdown,
    secondary_split,
)
from dashboard.ui.charts import StackedChart
from runs.analytics.usage import (
    SELECT_ALL_SUMS,
    UsageQuery,
    UsageReport,
    UsageSelection,
    UsageSplit,
    fetch_latency,
    fetch_metadata_keys,
    fetch_usage_report,
)
from runs.analytics.usage.table import MEASURE_COLUMNS
from runs.enrichment import derived_fields
from runs.models import Assistant, Project

MAX_USAGE_GROUPS = 20
TABLE_SUMS = ("runs", "prompt_tokens", "completion_tokens", "total_tokens", "cost", "unpriced_tokens")


@dataclass(frozen=True, slots=True)
class UsagePage:
    """What the templates show. `is_empty`: no run matches, now or in the time before.

    `counted_since` and `paced_since` are where the newest runs begin that were counted, None where all were;
    `is_reassessed`: estimates of the cost are on their way to new prices.
    """

    question: UsageQuery
    controls: UsageControls
    facts: list[UsageFigure]
    chart: StackedChart
    groups: UsageBreakdown
    others: UsageBreakdown
    paced: LatencyTable | None
    counted_since: datetime | None
    is_capped: bool
    paced_since: datetime | None
    is_reassessed: bool
    is_empty: bool


def fetch_usage_page(project: Project, question: UsageQuery, here: str, runs: str, prices: str) -> UsagePage:
    """Ask and put together: a handful of statements, however many runs."""
    found = fetch_usage_report(project, question, MAX_USAGE_GROUPS, _wanted(question))
    other = replace(question, split=secondary_split(question.split))
    second = fetch_usage_report(project, other, MAX_USAGE_GROUPS, UsageSelection(TABLE_SUMS, (), ()), has_series=False)
    pace = fetch_latency(project, question)
    names = _names(project, found, second, [each.assistant_id for each in pace.assistants] if pace else [])
    links = UsageLinks(question, here, runs, found.counted_since, pace.counted_since if pace else None)
    models = next(each for each in (found, second) if each.query.split == UsageSplit("model"))
    return UsagePage(
        question,
        UsageControls(links, fetch_metadata_keys(project)),
        build_usage_summary(
            found, pace, links, sum(bool(group.sums.unpriced_tokens) for group in models.groups), prices
        ),
        build_usage_chart(found, links, names),
        build_usage_breakdown(found, links, names),
        build_usage_breakdown(second, replace(links, question=second.query, counted_since=second.counted_since), names),
        build_latency_table(pace, links, names) if pace else None,
        found.counted_since,
        found.is_capped,
        pace.counted_since if pace else None,
        project.assessed_with != derived_fields.derivation_fingerprint(project),
        not (found.totals.runs or (found.previous and found.previous.runs)),
    )


def _wanted(question: UsageQuery) -> UsageSelection:
    """The sums that are shown: the course of what is measured, and changes of the facts. Kinds are made of all."""
    if question.split.name == "kind":
        return SELECT_ALL_SUMS
    return UsageSelection(previous=("runs", "total_tokens", "cost"), series=(MEASURE_COLUMNS[question.measure],))


def _names(project: Project, found: UsageReport, second: UsageReport, paced: Iterable[str | None]) -> dict[str, str]:
    """Of all assistants that are shown; one query."""
    shown = [each.groups for each in (found, second) if each.query.split == UsageSplit("assistant")]
    keys = {group.key for groups in shown for group in groups} | set(paced)
    return Assistant.objects.names_by_id(project, keys)
