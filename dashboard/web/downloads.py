"""Pages as files: what a page's table shows, as JSON or as CSV, for people who are signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import msgspec
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

from runs.errors import InvalidFilter
from runs.models import Project
from runs.transfer import exports
from runs.transfer.exports import ExportColumn

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def json_response(payload: Any) -> HttpResponse:
    """`payload` as a JSON document; times are written in UTC."""
    return HttpResponse(msgspec.json.encode(payload) + b"\n", content_type="application/json")


def csv_response(project: Project, what: str, columns: Iterable[ExportColumn], rows: Iterable[Any]) -> HttpResponseBase:
    """A table that is safe to open in a spreadsheet, saved as `default-tools-2026-11-22.csv`; sent as it is made."""
    response = StreamingHttpResponse(exports.render_csv(columns, rows), content_type="text/csv; charset=utf-8")
    name = f"{project.slug}-{what}-{timezone.now():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def respond_with_text_errors(view: View[P]) -> Callable[..., HttpResponseBase]:
    """Say in words what a file's address has wrong, where the view finds that it can't be meant."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except InvalidFilter as error:
            return HttpResponse(f"{error}\n", status=400, content_type="text/plain; charset=utf-8")

    return guarded
