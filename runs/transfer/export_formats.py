"""The formats of exported files, for the command and for the run list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from json import dumps
from typing import Any

from runs.models.run import RunQuerySet
from runs.protocol.otlp.outgoing_requests import batch_spans, encode_json_request
from runs.span_export.mapped_runs import load_runs_for_spans
from runs.span_export.outgoing_spans import iterate_run_spans
from runs.transfer import exports
from runs.transfer.exports import Export

_RUNS_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format of exported files.

    Attributes:
        name: names it on the command line, and in the names of files and URLs, where hyphens are periods.
        content_type: of HTTP responses.
        label: stands in menus.
        render: yields the parts of a file.
        has_whole_runs: whether a file has runs with their steps and messages, and not one kind of records.
    """

    name: str
    content_type: str
    label: str
    render: Callable[[Export], Iterator[bytes]]
    has_whole_runs: bool = False

    @property
    def suffix(self) -> str:
        """The suffix of file names."""
        return self.name.replace("-", ".")


def _render_jsonl(export: Export) -> Iterator[bytes]:
    return exports.render_ndjson(export.records())


def _render_table(export: Export) -> Iterator[bytes]:
    return exports.render_csv(export.columns, export.records())


def _render_document(export: Export) -> Iterator[bytes]:
    """Render the posted objects, and tags and reviews by run id in members of their own, since they are not posted."""
    yield b'{"object":"list","data":['
    for index, record in enumerate(export.records()):
        yield b"," + record.as_json() if index else record.as_json()
    yield b'],"tags":'
    yield from _render_members(exports.iterate_run_tags(export))
    yield b',"reviews":'
    yield from _render_members(exports.iterate_run_reviews(export))
    yield b"}\n"


def _render_members(members: Iterable[tuple[str, Any]]) -> Iterator[bytes]:
    yield b"{"
    for index, (name, value) in enumerate(members):
        yield b"," * bool(index) + dumps(name).encode() + b":" + dumps(value).encode()
    yield b"}"


def _render_otlp_lines(export: Export) -> Iterator[bytes]:
    """Render the spans of runs: an ExportTraceServiceRequest of bounded size on each line."""
    for runs in export.queries:
        if isinstance(runs, RunQuerySet) and runs.project is not None:
            records = load_runs_for_spans(runs).iterator(chunk_size=_RUNS_PER_QUERY)
            for batch in batch_spans(iterate_run_spans(runs.project, records)):
                yield encode_json_request(batch) + b"\n"


JSON_FORMAT = ExportFormat("json", "application/json", "JSON, one document", _render_document)
JSONL_FORMAT = ExportFormat("jsonl", "application/x-ndjson", "JSONL, objects as posted", _render_jsonl)
CSV_FORMAT = ExportFormat("csv", "text/csv; charset=utf-8", "CSV, a table", _render_table)
OTLP_FORMAT = ExportFormat("otlp-jsonl", "application/x-ndjson", "OTLP, spans", _render_otlp_lines, has_whole_runs=True)
# Those of the command and of the menu.
FILE_FORMATS = {file_format.name: file_format for file_format in (JSONL_FORMAT, CSV_FORMAT, OTLP_FORMAT)}
