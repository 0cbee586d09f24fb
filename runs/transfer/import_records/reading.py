"""Read the records of a file, whatever its content is: JSON, a recorded event stream, or protobuf."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from runs.errors import UnreadableBody
from runs.ingest import RawItem
from runs.ingest.events import EventBody, add_json_event, add_stream_event
from runs.protocol.event_stream import parse_event_lines
from runs.transfer.import_files import (
    ChunkStream,
    ContentFormat,
    ImportSource,
    detect_content_format,
    read_json_values,
    read_protobuf,
    read_text_lines,
)
from runs.transfer.import_records.classification import classify_value
from runs.transfer.import_records.page_owners import PageDefaults, find_page_owner
from runs.transfer.import_records.records import ImportKind, ImportRecord

_PROTOBUF_TYPE = "application/x-protobuf"


def read_import_records(source: ImportSource, defaults: PageDefaults, events: EventBody) -> Iterator[ImportRecord]:
    """Yield the records of a file in order. What its stream events are besides is counted in `events`.

    Raises:
        UnreadableBody: as `read_json_values` does. Everything before that place was yielded.
    """
    stream = ChunkStream(source.chunks)
    source = replace(source, chunks=stream)
    if owner := find_page_owner(source.name):
        defaults = replace(defaults, owner=owner)
    match detect_content_format(stream):
        case ContentFormat.PROTOBUF:
            yield ImportRecord(ImportKind.TRACES, read_protobuf(source), None, content_type=_PROTOBUF_TYPE)
        case ContentFormat.EVENT_STREAM:
            yield from _read_event_stream(source, events)
        case ContentFormat.JSON:
            yield from _read_json(source, defaults, events)


def _read_json(source: ImportSource, defaults: PageDefaults, events: EventBody) -> Iterator[ImportRecord]:
    for value in read_json_values(source):
        try:
            for record in classify_value(value, defaults):
                if record.kind is ImportKind.EVENT:
                    events.received += 1
                    add_json_event(events, RawItem(events.received - 1, record.raw, record.line))
                    yield from _take_records(events)
                else:
                    yield record
        except UnreadableBody as error:
            raise UnreadableBody(f"{source.name}: {error.message}") from error
    events.finish()
    yield from _take_records(events)


def _read_event_stream(source: ImportSource, events: EventBody) -> Iterator[ImportRecord]:
    for index, event in enumerate(parse_event_lines(read_text_lines(source))):
        events.received += 1
        add_stream_event(events, index, event)
        yield from _take_records(events)
    events.finish()
    yield from _take_records(events)


def _take_records(events: EventBody) -> Iterator[ImportRecord]:
    """Yield the objects of the events so far, and those that can't be read."""
    for item in events.items:
        yield ImportRecord(ImportKind.OBJECT, item.raw, item.line, item.path, item.expected)
    for problem in events.errors:
        yield ImportRecord(ImportKind.INVALID, b"", problem.line, problems=(problem,))
    events.items, events.errors = [], []
