"""JSON and CSV responses with the data of a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import msgspec
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

from runs.errors import InvalidFilter, QueryTimeout
from runs.models import Project
from runs.transfer.exports import ExportColumn, render_csv

P = ParamSpec("P")


def json_response(payload: Any) -> HttpResponse:
    """Return `payload` as a JSON document."""
    return HttpResponse(msgspec.json.encode(payload) + b"\n", content_type="application/json")


def csv_response(project: Project, name: str, columns: Iterable[ExportColumn], rows: Iterable[Any]) -> HttpResponseBase:
    """Return a CSV file that is streamed as it is rendered.

    Args:
        project: The project, whose slug starts the file name: `default-tools-2026-11-22.csv`.
        name: The middle of the file name.
        columns: The columns of the table.
        rows: The values that the columns read.
    """
    response = StreamingHttpResponse(render_csv(columns, rows), content_type="text/csv; charset=utf-8")
    file_name = f"{project.slug}-{name}-{timezone.now():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def respond_with_text_errors(
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Decorate a view so that invalid parameters and timeouts are answered with a line of plain text."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except InvalidFilter as error:
            return _text_response(f"{error}\n", 400)
        except QueryTimeout as error:
            return _text_response(f"{error}\n", 503)

    return wrapper


def _text_response(text: str, status: int) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
