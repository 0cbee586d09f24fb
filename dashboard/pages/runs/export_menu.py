"""What the list can be taken away as: files of all that matches, and a command that asks for the same."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from dashboard.ui.filter_controls import RunListAddress
from runs.models import Project
from runs.query import RunFilters


@dataclass(frozen=True, slots=True)
class ExportMenu:
    """Addresses of the files, and what is copied to the clipboard."""

    lines_url: str
    table_url: str
    curl: str
    link: str


def build_export_menu(
    request: HttpRequest, project: Project, filters: RunFilters, address: RunListAddress
) -> ExportMenu:
    """The ways out for what `filters` asks for."""
    page = address.of(filters)
    query = RunListAddress("", address.order).of(filters)
    lines, table = (reverse(name, kwargs={"project": project.slug}) + query for name in ("runs-jsonl", "runs-csv"))
    api = reverse("api-runs") + (f"?{filters.query()}" if filters else "")
    curl, link = _curl(request.build_absolute_uri(api)), request.build_absolute_uri(page)
    return ExportMenu(lines, table, curl, link)


def _curl(url: str) -> str:
    """The key stays out of it: the command reads it where people keep it."""
    return f'curl -H "Authorization: Bearer $RUNGLASS_KEY" {shlex.quote(url)}'
