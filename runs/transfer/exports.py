"""The way out: runs, steps and messages as they were posted, one a line, or as a table. In constant memory.

The order owes nothing to a database's own keys, so a project and its copy give the same bytes.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from django.db.models import QuerySet

from runs.models import Message, Project, Run, RunStep, RunTag
from runs.models.posted_record import PostedRecord
from runs.models.run import RunQuerySet
from runs.query import RunFilters

_CHUNK = 500
# What a spreadsheet would take for a formula.
_RISKY = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """One column of a table: its title, and what a record has there."""

    title: str
    value: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Export:
    """The records of one kind that are asked for, in order, and the columns of their table."""

    queries: tuple[QuerySet[Any], ...]
    columns: tuple[ExportColumn, ...]

    def count(self) -> int:
        """How many records there are."""
        return sum(query.order_by().count() for query in self.queries)

    def records(self) -> Iterator[PostedRecord]:
        """One by one. Within a transaction the first comes at once; outside of one all are gathered first."""
        for query in self.queries:
            yield from query.iterator(chunk_size=_CHUNK)


def export_runs(project: Project, filters: RunFilters) -> Export:
    """The runs that `filters` asks for, oldest first."""
    return export_run_queryset(_matching(project, filters).for_export())


def export_run_queryset(found: RunQuerySet) -> Export:
    """Those runs, in their order."""
    return Export((found.with_tag_names(RunTag.objects.all()),), RUN_EXPORT_COLUMNS)


def export_steps(project: Project, filters: RunFilters) -> Export:
    """The steps of those runs, run by run; without a filter also the steps whose run never came."""
    found = _matching(project, filters)
    queries = [RunStep.objects.of_runs_for_export(found)]
    if not filters:
        queries.append(RunStep.objects.without_run(project, found))
    return Export(tuple(queries), STEP_EXPORT_COLUMNS)


def export_messages(project: Project, filters: RunFilters) -> Export:
    """The messages of those runs' threads; without a filter all of the project."""
    found = Message.objects.in_project(project)
    if filters:
        found = found.in_threads_of(_matching(project, filters))
    return Export((found.for_export(),), MESSAGE_EXPORT_COLUMNS)


EXPORT_KINDS: dict[str, Callable[[Project, RunFilters], Export]] = {
    "runs": export_runs,
    "steps": export_steps,
    "messages": export_messages,
}


def iterate_run_tags(export: Export) -> Iterator[tuple[str, list[str]]]:
    """The posted id of each of an export's runs that has tags, and these; one by one, from the database."""
    for runs in export.queries:
        found = RunTag.objects.iterate_by_run(runs)
        for run_id, pairs in itertools.groupby(found, key=lambda pair: pair[0]):
            yield run_id, [tag for _, tag in pairs]


def render_ndjson(records: Iterable[PostedRecord]) -> Iterator[bytes]:
    """NDJSON: each object as it was posted."""
    for record in records:
        yield record.as_json() + b"\n"


def render_csv(columns: Iterable[ExportColumn], records: Iterable[PostedRecord]) -> Iterator[bytes]:
    """CSV as RFC 4180 has it, with a header; no cell is a formula to a spreadsheet."""
    columns = tuple(columns)
    writer = csv.writer(_Echo())
    yield writer.writerow(column.title for column in columns)
    for record in records:
        yield writer.writerow(_cell(column.value(record)) for column in columns)


class _Echo:
    """A file that gives back what is written to it, so that `csv.writer` need not gather rows."""

    def write(self, line: str) -> bytes:
        return line.encode()


def _matching(project: Project, filters: RunFilters) -> Any:
    return Run.objects.in_project(project).matching(filters)


def _cell(value: Any) -> str | float | None:
    match value:
        case None | int() | float():
            return value
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case list():
            return msgspec.json.encode(value).decode()
        case bytes():
            value = value.decode()
    return f"'{value}" if value.startswith(_RISKY) else str(value)


def _attribute(name: str, title: str = "") -> ExportColumn:
    return ExportColumn(title or name, lambda record: getattr(record, name))


def _posted(name: str) -> ExportColumn:
    """A member as it was posted, as JSON text."""
    return ExportColumn(name, lambda record: record.members().get(name))


_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")

RUN_EXPORT_COLUMNS = (
    _attribute("external_id", "id"),
    *map(_attribute, ("status", "created_at", "started_at", "ended_at", "duration_ms")),
    *map(_attribute, ("model", "assistant_id", "thread_id", *_COUNTS)),
    ExportColumn("estimated_cost_usd", lambda run: None if run.cost is None else f"{Decimal(run.cost).scaleb(-9):f}"),
    *map(_attribute, ("error_code", "error_message", "incomplete_reason", "awaited")),
    ExportColumn("tool_types", lambda run: run.configuration.tool_types),
    ExportColumn("function_names", lambda run: run.configuration.function_names),
    _attribute("revision"),
    _posted("metadata"),
    ExportColumn("tags", lambda run: run.tag_names),
)
STEP_EXPORT_COLUMNS = (
    _attribute("external_id", "id"),
    _attribute("run_external_id", "run_id"),
    *map(_attribute, ("thread_id", "assistant_id", "type", "status", "created_at", "ended_at", *_COUNTS)),
    *map(_attribute, ("error_code", "error_message", "tool_types", "tool_names")),
    _posted("metadata"),
)
MESSAGE_EXPORT_COLUMNS = (
    _attribute("external_id", "id"),
    *map(_attribute, ("thread_id", "role", "status", "created_at", "completed_at", "assistant_id")),
    _attribute("run_external_id", "run_id"),
    _attribute("text"),
    _posted("metadata"),
)
