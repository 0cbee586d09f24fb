"""The table of tools as files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.tools import table
from dashboard.pages.tools.params import Asked
from dashboard.web import downloads
from dashboard.web.permissions import project_page
from runs.analytics import tools
from runs.analytics.tools import Measured, Period, Tool
from runs.models import Project
from runs.transfer.exports import Column


def _counted(name: str) -> Column:
    return Column(name, lambda tool: getattr(tool.counts, name))


def _measured(title: str, value: Callable[[Measured], int | None]) -> Column:
    return Column(title, lambda tool: value(tool.measured) if tool.measured else None)


COLUMNS = (
    Column("type", lambda tool: tool.type),
    Column("name", lambda tool: tool.name),
    Column("description", lambda tool: tool.defined.description if tool.defined else None),
    Column("defined_in", lambda tool: tool.defined.assistants if tool.defined else []),
    Column("called_by", lambda tool: [each for each in tool.called.assistants if each] if tool.called else []),
    Column("called_as", lambda tool: list(tool.called_as)),
    *map(_counted, ("calls", "failed", "checked", "misargued")),
    _measured("measured_calls", lambda measured: measured.calls),
    _measured("p50_ms", lambda measured: measured.p50),
    _measured("p95_ms", lambda measured: measured.p95),
    _measured("output_median_bytes", lambda measured: measured.output_median),
    Column("versions", lambda tool: tool.version_count),
    Column("last_call_at", lambda tool: tool.last_at),
)


@require_safe
@project_page
@downloads.refusing
def json(request: HttpRequest, project: Project) -> HttpResponse:
    """`tools.json`: all that the page's address asks for, with the calls of each part of the time."""
    asked = Asked.of(request)
    period, listed = _listed(project, asked)
    return downloads.as_json(
        {
            "object": "list",
            "since": period.since,
            "part_seconds": int(period.step.total_seconds()),
            "percentiles_over_newest_steps": tools.MOST_STEPS,
            "data": [_entry(tool) for tool in listed],
        }
    )


@require_safe
@project_page
@downloads.refusing
def csv(request: HttpRequest, project: Project) -> HttpResponseBase:
    """`tools.csv`: the same as a table."""
    asked = Asked.of(request)
    return downloads.as_csv(project, "tools", COLUMNS, _listed(project, asked)[1])


def _listed(project: Project, asked: Asked) -> tuple[Period, list[Tool]]:
    period = asked.range.period(timezone.now())
    return period, table.selected(table.matching(tools.overview(project, period), asked.q), asked)


def _entry(tool: Tool) -> dict[str, Any]:
    parts = [counts.calls for counts in tool.called.parts] if tool.called else []
    return {column.title: column.value(tool) for column in COLUMNS} | {"parts": parts}
