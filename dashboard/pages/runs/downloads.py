"""The run list as files: what an address of the list asks for, or the runs that were selected in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from json import dumps

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods

from dashboard.pages.runs.selection import parse_selected_runs
from dashboard.ui.run_list_address import parse_run_list
from dashboard.web import downloads
from dashboard.web.permissions import viewer_required
from runs.models import Project, Run
from runs.transfer import exports
from runs.transfer.exports import Export

BLOCK_SIZE = 64 * 1024
MAX_NAME_LENGTH = 120
ExportRenderer = Callable[[Export], Iterator[bytes]]


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_required
@downloads.respond_with_text_errors
def run_list_jsonl(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Each run as it was posted, one a line; of a post, the selected ones."""
    return _file(request, project, "jsonl", "application/x-ndjson", _lines)


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_required
@downloads.respond_with_text_errors
def run_list_csv(request: HttpRequest, project: Project) -> HttpResponseBase:
    """The same as a table that is safe to open in a spreadsheet."""
    return _file(request, project, "csv", "text/csv; charset=utf-8", _table)


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_required
@downloads.respond_with_text_errors
def run_list_json(request: HttpRequest, project: Project) -> HttpResponseBase:
    """The same as one list."""
    return _file(request, project, "json", "application/json", _list)


def _file(
    request: HttpRequest, project: Project, suffix: str, content_type: str, render: ExportRenderer
) -> HttpResponseBase:
    export, words = _selection(request, project) if request.method == "POST" else _asked(request, project)
    response = StreamingHttpResponse(_blocks(_in_transaction(render, export)), content_type=content_type)
    disposition = "inline" if suffix == "json" else "attachment"
    response["Content-Disposition"] = f'{disposition}; filename="{_name(project, words)}.{suffix}"'
    return response


def _asked(request: HttpRequest, project: Project) -> tuple[Export, str]:
    """What the filters ask for: oldest first, as every copy, unless the list is sorted otherwise.

    Whatever the page shows of them, files have every column.
    """
    query = dict(request.GET.lists())
    address, filters = parse_run_list(project, query)
    if "sort" not in query:
        return exports.export_runs(project, filters), filters.describe()
    runs = filters.apply(Run.objects.in_project(project)).sorted_by(address.order).with_configuration()
    return exports.export_run_queryset(runs), filters.describe()


def _selection(request: HttpRequest, project: Project) -> tuple[Export, str]:
    keys = parse_selected_runs(request)
    runs = Run.objects.in_project(project).with_ids(keys).for_export()
    return exports.export_run_queryset(runs), f"{len(keys)} selected runs"


def _name(project: Project, words: str) -> str:
    """`default-runs-with-status-failed-2026-11-22`."""
    return f"{project.slug}-{slugify(words)[:MAX_NAME_LENGTH].rstrip('-')}-{timezone.now():%Y-%m-%d}"


def _in_transaction(render: ExportRenderer, export: Export) -> Iterator[bytes]:
    """Within one, the database hands over rows as they are sent, and all of one moment."""
    with transaction.atomic():
        yield from render(export)


def _lines(export: Export) -> Iterator[bytes]:
    return exports.render_ndjson(export.records())


def _table(export: Export) -> Iterator[bytes]:
    return exports.render_csv(export.columns, export.records())


def _list(export: Export) -> Iterator[bytes]:
    """The objects as they were posted, and beside them, by id, the tags of those that have any."""
    yield b'{"object":"list","data":['
    for place, record in enumerate(export.records()):
        yield b"," + record.as_json() if place else record.as_json()
    yield b'],"tags":{'
    for place, (run_id, tags) in enumerate(exports.iterate_run_tags(export)):
        yield b"," * bool(place) + dumps(run_id).encode() + b":" + dumps(tags).encode()
    yield b"}}\n"


def _blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of a size that is worth sending."""
    block = bytearray()
    for piece in pieces:
        block += piece
        if len(block) >= BLOCK_SIZE:
            yield bytes(block)
            block.clear()
    yield bytes(block)
