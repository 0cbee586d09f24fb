"""Pages as files: what a page's table shows, as JSON or as CSV, for people who are signed in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

from runs import exports
from runs.errors import InvalidFilter
from runs.exports import Column
from runs.models import Project


def as_json(payload: Any) -> HttpResponse:
    """`payload` as a JSON document; times are written in UTC."""
    return HttpResponse(msgspec.json.encode(payload) + b"\n", content_type="application/json")


def as_csv(project: Project, what: str, columns: Iterable[Column], rows: Iterable[Any]) -> HttpResponseBase:
    """A table that is safe to open in a spreadsheet, saved as `default-tools-2026-11-22.csv`; sent as it is made."""
    response = StreamingHttpResponse(exports.as_table(columns, rows), content_type="text/csv; charset=utf-8")
    name = f"{project.slug}-{what}-{timezone.now():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def refusal(error: InvalidFilter) -> HttpResponse:
    """What a file's address has wrong, in words."""
    return HttpResponse(f"{error}\n", status=400, content_type="text/plain; charset=utf-8")
