"""The list of error groups, and the page of one group."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime
from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard.pages.errors.activity import fetch_group_activity
from dashboard.pages.errors.breakdown import build_error_breakdowns
from dashboard.pages.errors.chart import build_error_group_chart, build_error_groups_chart, format_group_label
from dashboard.pages.errors.contrasts import build_contrast_rows
from dashboard.pages.errors.decisions import IGNORE_CHOICES
from dashboard.pages.errors.group_list import fetch_error_group_list
from dashboard.pages.errors.group_rows import describe_missing_message, describe_trend, split_group_message
from dashboard.pages.errors.group_state import build_state_buttons, fetch_group_state
from dashboard.pages.errors.links import (
    build_error_group_list_url,
    build_error_group_term,
    build_error_group_url,
    build_filtered_runs_url,
    build_range_options,
)
from dashboard.pages.errors.params import (
    ASSIGNED_TO_ME,
    ErrorGroupListParams,
    ErrorGroupParams,
)
from dashboard.pages.errors.samples import fetch_sample_runs, list_placeholders, split_first_message
from dashboard.ui import formats
from dashboard.ui.comment_posts import respond_to_comment
from dashboard.ui.comments import CommentsSection
from dashboard.ui.time_ranges import format_time_field
from dashboard.web import htmx
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import WRITE_ROLES, member_required, viewer_required
from dashboard.web.query_control import QueryControl
from dashboard.web.timezone import get_reader_timezone
from runs.analytics.error_group_contrasts import MAX_CONTRASTED_RUNS, SMALL_SAMPLE_SIZE, contrast_error_group
from runs.analytics.error_group_selection import UNASSIGNED, ErrorGroupSort, ErrorGroupTab
from runs.analytics.errors import (
    MAX_ERROR_GROUPS,
    ErrorTrend,
    count_matching_runs,
    fetch_error_distributions,
    fetch_error_groups,
    fetch_first_and_last_seen,
)
from runs.models import Assistant, ErrorGroup, Project, User
from runs.models.error_group import QUIET_DAYS
from runs.query import RunFilters, TimeExpression
from runs.team.error_groups import MAX_IGNORED_RUNS, list_assignees

PAGE_SIZE = 50
TAB_LABELS = {
    ErrorGroupTab.OPEN: "Open",
    ErrorGroupTab.NEW: "New today",
    ErrorGroupTab.RESOLVED: "Resolved",
    ErrorGroupTab.IGNORED: "Ignored",
    ErrorGroupTab.ALL: "All",
}
SORT_LABELS = {ErrorGroupSort.RUNS: "Runs", ErrorGroupSort.LAST: "Last seen", ErrorGroupSort.FIRST: "First seen"}
ASSIGNEE_LABELS = {"": "All", ASSIGNED_TO_ME: "Mine", UNASSIGNED: "Unassigned"}


@require_safe
@viewer_required
@handle_invalid_params
def error_group_list(request: HttpRequest, project: Project) -> HttpResponse:
    """Render the groups of the matching failed, incomplete and expired runs, by default of the last 14 days."""
    # 1. Parse
    params = ErrorGroupListParams.parse(request.GET)
    filters = params.effective_filters
    now = timezone.now()

    # 2. Fetch
    user = cast(User, request.user)
    groups = fetch_error_group_list(project, params, now, PAGE_SIZE, user.get_username())
    report = groups.report
    total_runs, is_total_capped = count_matching_runs(project, filters, now)
    largest = report.groups[0] if report.groups else None

    # 3. Render
    path = reverse("errors", kwargs={"project": project.slug})
    range_options = build_range_options(path, params)
    can_decide = project.role in WRITE_ROLES
    assignee_options = [
        {
            "label": label,
            "url": path + params.first_page().query_string(assigned=name),
            "is_current": name == params.assigned,
        }
        for name, label in ASSIGNEE_LABELS.items()
    ]
    tabs = [
        {
            "label": label,
            "count": groups.tab_counts[tab],
            "url": path + params.first_page().query_string(tab=tab),
            "is_current": tab is params.tab,
        }
        for tab, label in TAB_LABELS.items()
    ]
    sort_headers = {
        sort.value: {
            "label": label,
            "url": path + params.first_page().query_string(sort=sort),
            "is_current": sort is params.sort,
        }
        for sort, label in SORT_LABELS.items()
    }
    context = {
        "project": project,
        "params": params,
        "path": path,
        # Controls
        "query_field": _build_query_field(params, path),
        "tabs": tabs,
        "assignee_options": assignee_options,
        "sort_headers": sort_headers,
        "range_options": range_options,
        "is_custom_range": not any(option.is_current for option in range_options),
        "from_value": _format_datetime_local(filters.since, now),
        "to_value": _format_datetime_local(filters.until, now),
        "all_groups_url": path + params.first_page().query_string(tab=ErrorGroupTab.ALL),
        "new_groups_url": path + params.first_page().query_string(tab=ErrorGroupTab.NEW),
        "next_url": path + params.query_string(page=params.page + 1) if groups.has_next_page else "",
        "previous_url": path + params.query_string(page=params.page - 1) if params.page > 1 else "",
        # Decisions
        "can_decide": can_decide,
        "assignees": list_assignees(project) if can_decide and groups.rows else (),
        "ignore_choices": IGNORE_CHOICES.items(),
        # Summary
        "report": report,
        "max_groups": MAX_ERROR_GROUPS,
        "new_group_count": groups.tab_counts[ErrorGroupTab.NEW],
        "total_runs": total_runs,
        "is_total_capped": is_total_capped,
        "runs_url": build_filtered_runs_url(project, filters),
        "unsuccessful_runs_url": build_filtered_runs_url(project, filters, "error_group:*"),
        "unsuccessful_share": "" if is_total_capped else formats.format_percent(report.sums.runs, total_runs),
        "cost": "" if report.sums.cost is None else formats.format_cost(report.sums.cost),
        # Groups
        "rows": groups.rows,
        "has_any_group": largest is not None or ErrorGroup.objects.in_project(project).exists(),
    }
    if largest is not None:
        context |= {
            "chart": build_error_groups_chart(report, groups.distributions, get_reader_timezone()),
            "largest_label": format_group_label(largest.group),
            "largest_share": formats.format_percent(largest.sums.runs, report.sums.runs),
            "largest_url": build_error_group_url(project, largest.group, params),
        }
    return htmx.render_page(request, "pages/errors/list.html", context)


def _build_query_field(params: ErrorGroupListParams, path: str) -> QueryControl:
    own_names = RunFilters.PARAM_NAMES
    return QueryControl(
        "Errors",
        path,
        params.filters,
        lambda filters: path + replace(params.first_page(), filters=filters).query_string(),
        other_params=tuple(pair for pair in params.first_page().query_pairs() if pair[0] not in own_names),
        scope=RunFilters(since=params.effective_filters.since, until=params.effective_filters.until).narrow(
            "error_group:*"
        ),
        placeholder='error:rate_limit_exceeded  assistant:asst_returns  "timed out"',
    )


@require_safe
@viewer_required
@handle_invalid_params
def error_group_detail(request: HttpRequest, project: Project, group_id: uuid.UUID) -> HttpResponse:
    """Render the runs of one group, by default of the last 14 days, and how they differ from completed ones."""
    # 1. Parse
    group = _get_group_or_404(project, group_id)
    params = ErrorGroupParams.parse(request.GET)
    filters = params.effective_filters
    now = timezone.now()

    # 2. Fetch
    report = fetch_error_groups(project, filters, now, only=group.pk)
    stats = report.groups[0] if report.groups else None  # None if no run of the group matches
    seen = (stats.first_seen, stats.last_seen) if stats else fetch_first_and_last_seen(group.pk)
    first_seen, last_seen = seen or (None, None)
    state = fetch_group_state(project, group, now)
    can_decide = project.role in WRITE_ROLES

    # 3. Render
    path = reverse("error-group", kwargs={"project": project.slug, "group_id": group.pk})
    range_options = build_range_options(path, params)
    first_message = split_first_message(group)
    context = {
        "project": project,
        "params": params,
        "path": path,
        # Controls
        "list_url": build_error_group_list_url(project, params),
        "range_options": range_options,
        "is_custom_range": not any(option.is_current for option in range_options),
        "from_value": _format_datetime_local(filters.since, now),
        "to_value": _format_datetime_local(filters.until, now),
        # State
        "can_decide": can_decide,
        "assignees": list_assignees(project) if can_decide else (),
        "quiet_days": QUIET_DAYS,
        "max_ignored_runs": MAX_IGNORED_RUNS,
        "state_buttons": build_state_buttons(group, has_ended=state.end is not None),
        "state": state,
        "activity": fetch_group_activity(group),
        "comments": _build_comments(project, group, cast(User, request.user)),
        # Group
        "group": group,
        "group_term": build_error_group_term(group),
        "message_parts": split_group_message(group),
        "missing_message": describe_missing_message(group),
        "first_message": first_message,
        "placeholders": list_placeholders(first_message),
        "first_seen": first_seen,
        "last_seen": last_seen,
        "has_matching_runs": stats is not None,
    }
    if stats is not None:
        distributions = fetch_error_distributions(
            project, filters, report.time_range.buckets, now, [group.pk], only=group.pk
        )
        distribution = distributions[group.pk]
        assistant_names = Assistant.objects.names_by_id(project, distribution.assistants)
        contrast = contrast_error_group(project, group.pk, filters, report.time_range, now)
        user_timezone = get_reader_timezone()
        context |= {
            # Summary
            "sums": report.sums,
            "cost": "" if report.sums.cost is None else formats.format_cost(report.sums.cost),
            "runs_url": build_filtered_runs_url(project, filters, build_error_group_term(group)),
            "trend": None
            if stats.trend is ErrorTrend.UNKNOWN
            else describe_trend(project, params, stats, report.time_range, now),
            "chart": build_error_group_chart(group, distribution, report.time_range, user_timezone),
            # Sections
            "breakdowns": build_error_breakdowns(project, group, filters, distribution, assistant_names),
            "sample_runs": fetch_sample_runs(project, group, filters, assistant_names, now),
            "contrast": contrast,
            "contrast_rows": build_contrast_rows(project, group, filters, contrast),
            "small_sample_size": SMALL_SAMPLE_SIZE,
            "max_contrasted_runs": MAX_CONTRASTED_RUNS,
        }
    return htmx.render_page(request, "pages/errors/detail.html", context)


@require_POST
@member_required
def error_group_comments(request: HttpRequest, project: Project, group_id: uuid.UUID) -> HttpResponse:
    """Change the comments on a group (see `respond_to_comment`)."""
    group = _get_group_or_404(project, group_id)
    return respond_to_comment(request, project, _build_comments(project, group, cast(User, request.user)))


def _build_comments(project: Project, group: ErrorGroup, user: User) -> CommentsSection:
    args = [project.slug, group.pk]
    url, page_url = reverse("error-group-comments", args=args), reverse("error-group", args=args)
    return CommentsSection(group, user, project.role, url, page_url, format_group_label(group))


def _get_group_or_404(project: Project, group_id: uuid.UUID) -> ErrorGroup:
    group = ErrorGroup.objects.find(project, group_id)
    if group is None:
        raise Http404("No such error group")
    return group


def _format_datetime_local(time: TimeExpression | None, now: datetime) -> str:
    """Return a time as the value of a datetime-local field."""
    return format_time_field(time.resolve(now)) if time else ""
