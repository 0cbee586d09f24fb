"""The error groups as files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.errors.params import Asked
from dashboard.pages.errors.rows import Row
from dashboard.pages.errors.views import Listing
from dashboard.ui import formats
from dashboard.web import downloads
from dashboard.web.permissions import project_page
from runs.analytics import errors
from runs.analytics.errors import MOST_GROUPS, Sums
from runs.models import Project
from runs.transfer.exports import Column

VALUES: dict[str, Callable[[Row], Any]] = {
    "id": lambda row: str(row.group.pk),
    "status": lambda row: row.group.status,
    "code": lambda row: row.group.code,
    "message": lambda row: row.group.template,
    "state": lambda row: row.group.state,
    "regressed": lambda row: row.counted.regressed,
    "runs": lambda row: row.counted.sums.runs,
    "runs_before": lambda row: row.counted.before,
    "trend": lambda row: str(row.counted.trend),
    "first_seen_at": lambda row: formats.machine_time(row.counted.first_seen),
    "last_seen_at": lambda row: formats.machine_time(row.counted.last_seen),
    "total_tokens": lambda row: row.counted.sums.tokens,
    "cost_usd": lambda row: _dollars(row.counted.sums),
    "unpriced_runs": lambda row: row.counted.sums.unpriced,
    "assistants": lambda row: len(row.assistants),
    "models": lambda row: len(row.models),
    "configurations": lambda row: row.configurations,
}


@require_safe
@project_page
@downloads.refusing
def json(request: HttpRequest, project: Project) -> HttpResponse:
    """`errors.json`: the groups of the address as a list, whole, and what all groups of that time come to."""
    listing = _listing(request, project)
    found, asked = listing.found, listing.asked
    runs, is_capped = errors.all_runs(project, asked.filters, found.window, listing.now)
    return downloads.as_json(
        {
            "object": "list",
            "from": formats.machine_time(found.window.first),
            "to": formats.machine_time(found.window.end),
            "runs": runs,
            "runs_capped": is_capped,
            "ended_badly": found.sums.runs,
            "groups": found.count,
            "total_tokens": found.sums.tokens,
            "cost_usd": _dollars(found.sums),
            "data": [{name: of(row) for name, of in VALUES.items()} for row in listing.rows],
        }
    )


@require_safe
@project_page
@downloads.refusing
def table(request: HttpRequest, project: Project) -> HttpResponseBase:
    """`errors.csv`: the same groups, a line each."""
    listing = _listing(request, project)
    return downloads.as_csv(project, "errors", [Column(name, of) for name, of in VALUES.items()], listing.rows)


def _listing(request: HttpRequest, project: Project) -> Listing:
    """Raises InvalidFilter."""
    return Listing(Asked.of(request, project), timezone.now(), page_size=MOST_GROUPS)


def _dollars(sums: Sums) -> float | None:
    return None if sums.cost is None else sums.cost / 1e9
