"""URLs of error groups and of their runs."""

from __future__ import annotations

from django.urls import reverse

from dashboard.pages.errors.params import ErrorGroupParams
from dashboard.ui.filter_controls import TimeRangeOption
from runs.analytics.error_group_selection import DEFAULT_SINCE
from runs.models import ErrorGroup, Project
from runs.query import RunFilters, TimeExpression

ERROR_TIME_RANGES = ((TimeExpression("-24h"), "24 h"), (DEFAULT_SINCE, "14 d"), (TimeExpression("-90d"), "90 d"))
ID_PREFIX_LENGTH = 12  # digits of an id in a query: unique in practice, and still readable


def build_error_group_list_url(project: Project, params: ErrorGroupParams) -> str:
    """Return the URL of the list with the same filters."""
    return reverse("errors", kwargs={"project": project.slug}) + _query_string(params.filters)


def build_error_group_url(project: Project, group: ErrorGroup, params: ErrorGroupParams) -> str:
    """Return the URL of the page of a group with the same filters."""
    path = reverse("error-group", kwargs={"project": project.slug, "group_id": group.pk})
    return path + _query_string(params.filters)


def build_filtered_runs_url(project: Project, filters: RunFilters, term: str = "") -> str:
    """Return the URL of the run list with `filters` and, additionally, a term of the query language."""
    narrowed = filters.narrow(term) if term else filters
    return reverse("runs", kwargs={"project": project.slug}) + _query_string(narrowed)


def build_error_group_term(group: ErrorGroup) -> str:
    """Return the term of the query language that matches the runs of a group."""
    return f"error_group:{group.pk.hex[:ID_PREFIX_LENGTH]}"


def build_range_options(path: str, params: ErrorGroupParams) -> list[TimeRangeOption]:
    """Return the entries of the time range menu on the page at `path`."""
    options = []
    for since, label in ERROR_TIME_RANGES:
        changed = params.with_range(since)
        is_current = changed.effective_filters == params.effective_filters
        options.append(TimeRangeOption(label, path + changed.query_string(), is_current))
    return options


def _query_string(filters: RunFilters) -> str:
    query = filters.to_query_string()
    return f"?{query}" if query else ""
