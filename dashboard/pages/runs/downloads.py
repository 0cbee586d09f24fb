"""Downloads of the run list, and the menu that offers them.

GET exports all runs that match the filters; POST exports the runs that are selected in the list.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods

from dashboard.ui.run_list_address import RunListAddress, parse_run_list
from dashboard.ui.run_selection import parse_selected_runs
from dashboard.web import downloads
from dashboard.web.permissions import viewer_required
from runs.db.query_time_limit import limit_statement_time
from runs.db.snapshots import read_snapshot
from runs.models import Project, Run
from runs.query import RunFilters
from runs.transfer import exports
from runs.transfer.export_formats import (
    CSV_FORMAT,
    FILE_FORMATS,
    JSON_FORMAT,
    JSONL_FORMAT,
    OTLP_FORMAT,
    ExportFormat,
)
from runs.transfer.exports import Export

BLOCK_SIZE = 64 * 1024  # bytes
MAX_NAME_LENGTH = 120
EXPORT_TIMEOUT_FACTOR = 3  # sorting all runs takes longer than finding those of a page


@dataclass(frozen=True, slots=True)
class ExportMenu:
    """The downloads as URL and label, and the texts that can be copied."""

    files: list[tuple[str, str]]
    curl_command: str
    link: str


def build_export_menu(
    request: HttpRequest, project: Project, filters: RunFilters, address: RunListAddress
) -> ExportMenu:
    """Return the export menu of a run list."""
    query = RunListAddress("", address.order).url(filters)
    api_url = reverse("api-runs") + (f"?{filters.to_query_string()}" if filters else "")
    # The command reads the API key from the environment, so that it is not copied along.
    curl = 'curl -H "Authorization: Bearer $RUNGLASS_KEY" ' + shlex.quote(request.build_absolute_uri(api_url))
    return ExportMenu(
        files=[
            (reverse(f"runs-{file_format.name}", kwargs={"project": project.slug}) + query, file_format.label)
            for file_format in FILE_FORMATS.values()
        ],
        curl_command=curl,
        link=request.build_absolute_uri(address.url(filters)),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_required
@downloads.respond_with_text_errors
def run_list_jsonl(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Export the runs as posted, one JSON object per line."""
    return _stream_export(request, project, JSONL_FORMAT)


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_required
@downloads.respond_with_text_errors
def run_list_csv(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Export the runs as a table that is safe to open in a spreadsheet."""
    return _stream_export(request, project, CSV_FORMAT)


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_required
@downloads.respond_with_text_errors
def run_list_otlp(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Export the runs as spans of OpenTelemetry, one export request per line."""
    return _stream_export(request, project, OTLP_FORMAT)


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_required
@downloads.respond_with_text_errors
def run_list_json(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Export the runs as posted, as one JSON document."""
    return _stream_export(request, project, JSON_FORMAT)


def _stream_export(request: HttpRequest, project: Project, file_format: ExportFormat) -> HttpResponseBase:
    if request.method == "POST":
        keys = parse_selected_runs(request)
        runs = Run.objects.in_project(project).with_ids(keys).for_export()
        export, description = exports.export_run_queryset(runs), f"{len(keys)} selected runs"
    else:
        export, description = _export_matching_runs(request, project)
    chunks = _join_chunks(_stream_in_transaction(file_format, export))
    response = StreamingHttpResponse(chunks, content_type=file_format.content_type)
    # For example `default-runs-with-status-failed-2026-11-22.csv`.
    description = slugify(description)[:MAX_NAME_LENGTH].rstrip("-")
    filename = f"{project.slug}-{description}-{timezone.now():%Y-%m-%d}.{file_format.suffix}"
    disposition = "inline" if file_format is JSON_FORMAT else "attachment"
    response["Content-Disposition"] = f'{disposition}; filename="{filename}"'
    return response


def _export_matching_runs(request: HttpRequest, project: Project) -> tuple[Export, str]:
    """Export the runs that match the query string, and describe them. Hidden columns are exported, too.

    Like all exports, the file lists the oldest runs first, unless the query string names an order.
    """
    query = dict(request.GET.lists())
    address, filters = parse_run_list(project, query)
    if "sort" not in query:
        return exports.export_runs(project, filters), filters.describe()
    runs = filters.apply(Run.objects.in_project(project)).sorted_by(address.order).with_configuration()
    return exports.export_run_queryset(runs), filters.describe()


def _stream_in_transaction(file_format: ExportFormat, export: Export) -> Iterator[bytes]:
    """Render within a transaction: server-side cursors need one, and all rows are of the same snapshot."""
    with read_snapshot():
        limit_statement_time(EXPORT_TIMEOUT_FACTOR * settings.READ_TIMEOUT_SECONDS)
        yield from file_format.render(export)


def _join_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Join small chunks to blocks of at least `BLOCK_SIZE`, so that fewer of them are sent."""
    block = bytearray()
    for chunk in chunks:
        block += chunk
        if len(block) >= BLOCK_SIZE:
            yield bytes(block)
            block.clear()
    yield bytes(block)
