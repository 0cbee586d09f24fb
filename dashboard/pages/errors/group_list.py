"""Fetch the list of error groups, for the page and for its downloads."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.pages.errors.chart import MAX_CHART_GROUPS
from dashboard.pages.errors.group_rows import ErrorGroupRow, build_error_group_rows
from dashboard.pages.errors.params import ASSIGNED_TO_ME, ErrorGroupListParams
from runs.analytics.error_group_selection import ErrorGroupTab, is_assigned, is_in_tab, sort_error_groups
from runs.analytics.errors import (
    ErrorGroupDistribution,
    ErrorGroupReport,
    fetch_error_distributions,
    fetch_error_groups,
)
from runs.models import Assistant, Project


@dataclass(frozen=True, slots=True)
class ErrorGroupList:
    """A page of the list.

    Attributes:
        report: all groups of the time range.
        tab_counts: the number of groups in each tab.
        rows: the rows of this page of the tab.
        has_next_page: whether there are more rows.
        distributions: the distributions of the groups of this page and of the chart.
    """

    report: ErrorGroupReport
    tab_counts: Mapping[ErrorGroupTab, int]
    rows: Sequence[ErrorGroupRow]
    has_next_page: bool
    distributions: Mapping[uuid.UUID | None, ErrorGroupDistribution]


def fetch_error_group_list(
    project: Project, params: ErrorGroupListParams, now: datetime, page_size: int, reader: str = ""
) -> ErrorGroupList:
    """Return a page of the groups that match `params`; six or seven queries, or three if no group matches.

    `reader` is the name of the user who is meant by `ASSIGNED_TO_ME`.
    """
    # 1. All groups of the time range, and those of this page.
    report = fetch_error_groups(project, params.effective_filters, now)
    assignee = reader or params.assigned if params.assigned == ASSIGNED_TO_ME else params.assigned
    assigned = [stats for stats in report.groups if is_assigned(stats.group, assignee)]
    tab_counts = {tab: sum(is_in_tab(stats, tab, now) for stats in assigned) for tab in ErrorGroupTab}
    groups = sort_error_groups((stats for stats in assigned if is_in_tab(stats, params.tab, now)), params.sort)
    start = (params.page - 1) * page_size
    page_groups = groups[start : start + page_size]
    if not report.groups:
        return ErrorGroupList(report, tab_counts, [], False, {})

    # 2. The details for the rows and the chart.
    group_ids = {stats.group.pk for stats in (*page_groups, *report.groups[:MAX_CHART_GROUPS])}
    distributions = fetch_error_distributions(
        project, params.effective_filters, report.time_range.buckets, now, group_ids
    )
    assistant_ids = {assistant_id for stats in page_groups for assistant_id in distributions[stats.group.pk].assistants}
    assistant_names = Assistant.objects.names_by_id(project, assistant_ids)
    rows = build_error_group_rows(
        project, params, page_groups, distributions, report.time_range, report.sums.runs, assistant_names, now
    )
    return ErrorGroupList(report, tab_counts, rows, len(groups) > start + page_size, distributions)
