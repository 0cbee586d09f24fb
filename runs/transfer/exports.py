"""Export runs, steps and messages as NDJSON, exactly as they were posted, or as CSV tables, in constant memory.

The order does not depend on primary keys, so that a project and its copy are exported as the same bytes.
"""

from __future__ import annotations

import csv
import itertools
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from django.db.models import QuerySet

from runs.analytics.run_messages import annotate_messages, join_lines
from runs.models import Message, Project, Run, RunReview, RunStep, RunTag
from runs.models.posted_record import PostedRecord
from runs.models.run import RunQuerySet
from runs.query import RunFilters

_CHUNK_SIZE = 500
# What makes spreadsheets evaluate a cell, some after white space: also the full-width forms, which East Asian ones read
# like the others, and the characters that some of them drop at the beginning (OWASP, "CSV Injection").
_FORMULA_START = re.compile("[\t\r\n]|[\\s\ufeff\u200b]*[=+\\-@\uff1d\uff0b\uff0d\uff20]")


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column of a table: its title, and a function that returns its value for a record."""

    title: str
    value: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Export:
    """The records to export, in the order of `queries`, and the columns of their table."""

    queries: tuple[QuerySet[Any], ...]
    columns: tuple[ExportColumn, ...]

    def count(self) -> int:
        """Return the number of records."""
        return sum(query.order_by().count() for query in self.queries)

    def records(self) -> Iterator[PostedRecord]:
        """Yield the records.

        Within a transaction they are read with a cursor, and the first one comes at once. Outside of a transaction
        Postgres materializes the whole result first.
        """
        for query in self.queries:
            yield from query.iterator(chunk_size=_CHUNK_SIZE)


def export_runs(project: Project, filters: RunFilters) -> Export:
    """Return an export of the runs that match `filters`, oldest first."""
    return export_run_queryset(_matching_runs(project, filters).for_export())


def export_run_queryset(runs: RunQuerySet) -> Export:
    """Return an export of `runs` in their order."""
    annotated = runs.with_tag_names(RunTag.objects.all()).with_reviews()
    return Export((annotate_messages(annotated),), RUN_EXPORT_COLUMNS)


def export_steps(project: Project, filters: RunFilters) -> Export:
    """Return an export of the steps of the runs that match `filters`, run by run.

    Without a filter, steps whose run was never posted are exported too.
    """
    runs = _matching_runs(project, filters)
    queries = [RunStep.objects.of_runs_for_export(runs)]
    if not filters:
        queries.append(RunStep.objects.without_run(project, runs))
    return Export(tuple(queries), STEP_EXPORT_COLUMNS)


def export_messages(project: Project, filters: RunFilters) -> Export:
    """Return an export of the messages in the threads of the runs that match `filters`.

    Without a filter, all messages of the project are exported.
    """
    messages = Message.objects.in_project(project)
    if filters:
        messages = messages.in_threads_of(_matching_runs(project, filters))
    return Export((messages.for_export(),), MESSAGE_EXPORT_COLUMNS)


EXPORT_KINDS: dict[str, Callable[[Project, RunFilters], Export]] = {
    "runs": export_runs,
    "steps": export_steps,
    "messages": export_messages,
}


def iterate_run_tags(export: Export) -> Iterator[tuple[str, list[str]]]:
    """Yield the posted id and the tags of each exported run that has tags."""
    for runs in export.queries:
        pairs = RunTag.objects.iterate_by_run(runs)
        for run_id, run_pairs in itertools.groupby(pairs, key=lambda pair: pair[0]):
            yield run_id, [tag for _, tag in run_pairs]


def iterate_run_reviews(export: Export) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the posted id and the review of each exported run that has been reviewed."""
    for runs in export.queries:
        for run_id, reviewer, reviewed_at in RunReview.objects.iterate_by_run(runs):
            yield run_id, {"reviewer": reviewer, "reviewed_at": _format_time(reviewed_at)}


def render_ndjson(records: Iterable[PostedRecord]) -> Iterator[bytes]:
    """Yield the records as lines of NDJSON."""
    for record in records:
        yield record.as_json() + b"\n"


def render_csv(columns: Iterable[ExportColumn], records: Iterable[Any]) -> Iterator[bytes]:
    """Yield a header and the records as lines of CSV (RFC 4180), with no cell that a spreadsheet would evaluate.

    It is UTF-8 with a byte order mark. A text that looks like a formula gets an apostrophe; numbers are left alone.
    """
    columns = tuple(columns)
    writer = csv.writer(_LineBuffer())
    # without the mark, spreadsheets take a table for one in the encoding of their system
    yield BOM_UTF8 + writer.writerow(_render_cell(column.title) for column in columns)
    for record in records:
        yield writer.writerow(_render_cell(column.value(record)) for column in columns)


class _LineBuffer:
    """A file for `csv.writer` whose `write` returns the line, so that `writerow` returns it as well."""

    def write(self, line: str) -> bytes:
        return line.encode()


def _matching_runs(project: Project, filters: RunFilters) -> Any:
    return filters.apply(Run.objects.in_project(project))


def _render_cell(value: Any) -> str | float | Decimal | None:
    match value:
        case None | int() | float() | Decimal():
            return value
        case datetime():
            return _format_time(value)
        case list():
            return msgspec.json.encode(value).decode()
        case bytes():
            value = value.decode()
    return f"'{value}" if _FORMULA_START.match(value) else str(value)


def _format_time(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _attribute_columns(*names: str) -> list[ExportColumn]:
    return [_attribute_column(name, name) for name in names]


def _attribute_column(title: str, name: str) -> ExportColumn:
    return ExportColumn(title, lambda record: getattr(record, name))


def _format_cost(run: Run) -> str | None:
    """Return the cost in dollars, exactly."""
    return None if run.cost is None else f"{Decimal(run.cost).scaleb(-9):f}"


_TOKEN_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")
_METADATA_COLUMN = ExportColumn("metadata", lambda record: record.members().get("metadata"))  # as posted

RUN_EXPORT_COLUMNS = (
    _attribute_column("id", "external_id"),
    *_attribute_columns("status", "created_at", "started_at", "ended_at", "duration_ms"),
    *_attribute_columns("model", "assistant_id", "thread_id", *_TOKEN_COUNTS),
    ExportColumn("cost_usd", _format_cost),
    *_attribute_columns("error_code", "error_message", "incomplete_reason"),
    _attribute_column("awaiting", "pending_functions"),
    ExportColumn("tool_types", lambda run: run.configuration.tool_types),
    ExportColumn("function_names", lambda run: run.configuration.function_names),
    *_attribute_columns("revision"),
    ExportColumn("source", lambda run: run.get_source_display()),
    _METADATA_COLUMN,
    _attribute_column("tags", "tag_names"),
    *_attribute_columns("reviewed_by", "reviewed_at"),
    ExportColumn("question", lambda run: join_lines(run.question)),
    ExportColumn("answer", lambda run: join_lines(run.answer)),
)
STEP_EXPORT_COLUMNS = (
    _attribute_column("id", "external_id"),
    _attribute_column("run_id", "run_external_id"),
    *_attribute_columns("thread_id", "assistant_id", "type", "status", "created_at", "ended_at", *_TOKEN_COUNTS),
    *_attribute_columns("error_code", "error_message", "tool_types", "tool_names"),
    _METADATA_COLUMN,
)
MESSAGE_EXPORT_COLUMNS = (
    _attribute_column("id", "external_id"),
    *_attribute_columns("thread_id", "role", "status", "created_at", "completed_at", "assistant_id"),
    _attribute_column("run_id", "run_external_id"),
    *_attribute_columns("text"),
    _METADATA_COLUMN,
)
