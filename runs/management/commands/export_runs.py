"""The command `manage.py export_runs`."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandError

from runs.db.snapshots import read_snapshot
from runs.errors import InvalidFilter
from runs.management.arguments import add_project_argument, resolve_project
from runs.management.data_command import DataCommand
from runs.management.progress import ProgressBar
from runs.query import RunFilters
from runs.transfer.export_formats import CSV_FORMAT, FILE_FORMATS, JSONL_FORMAT, ExportFormat
from runs.transfer.exports import EXPORT_KINDS, Export

_INTERRUPTED = 130  # exit code


class Command(DataCommand):
    """Export runs, their steps and the messages of their threads."""

    help = "Write runs, their steps and the messages of their threads to standard output or a file, oldest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments of the command."""
        add_project_argument(parser)
        parser.add_argument(
            "--query",
            default="",
            metavar="QUERY",
            help="which runs to export (default: all): a query like 'status:failed created:-7d', or the query string "
            "of a run list URL like 'status=failed&from=-7d'. Write --query=-… if it starts with a minus sign",
        )
        parser.add_argument(
            "--format",
            choices=tuple(FILE_FORMATS),
            default=JSONL_FORMAT.name,
            help="jsonl: one posted object per line, which import_runs reads; csv: a table; otlp-jsonl: spans of "
            "OpenTelemetry for other tools, with one ExportTraceServiceRequest per line (default: jsonl)",
        )
        parser.add_argument(
            "--kind",
            choices=(*EXPORT_KINDS, "all"),
            help="what to export (default: all for jsonl, runs for csv, which holds one kind; otlp-jsonl: whole runs)",
        )
        parser.add_argument("--output", metavar="FILE", help="write to FILE, which is created once it is complete")

    def handle(
        self,
        *,
        project: str,
        query: str,
        format: str,  # noqa: A002 - the name of the option
        kind: str | None,
        output: str | None,
        **_: Any,
    ) -> None:
        """Write the export."""
        file_format = FILE_FORMATS[format]
        kinds = _select_kinds(file_format, kind)
        resolved_project = resolve_project(project)
        try:
            filters = RunFilters.parse_argument(query)
        except InvalidFilter as error:
            raise CommandError(f"--query: {error}") from error
        exports = [EXPORT_KINDS[name](resolved_project, filters) for name in kinds]
        # a bar must not be mixed with exported data on the same terminal
        shows_progress = sys.stderr.isatty() and (output is not None or not sys.stdout.isatty())
        try:
            with _open_output(output) as file, read_snapshot():
                _write(exports, file_format, file, shows_progress=shows_progress)
        except BrokenPipeError:
            # The reader has closed the pipe. Python would fail when it flushes stdout at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Interrupted: the export is incomplete.", returncode=_INTERRUPTED) from None


@contextmanager
def _open_output(name: str | None) -> Iterator[IO[bytes]]:
    """Open standard output, or a temporary file that is renamed to `name` when the block ends without an error."""
    if name is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    partial = Path(f"{name}.part")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(name)
    finally:
        partial.unlink(missing_ok=True)


def _select_kinds(file_format: ExportFormat, kind: str | None) -> list[str]:
    """Return what is exported. Raises CommandError."""
    if file_format.has_whole_runs:
        if kind not in (None, "all"):
            raise CommandError(f"{file_format.name} holds whole runs: leave --kind out")
        return ["runs"]
    if file_format is CSV_FORMAT and kind == "all":
        raise CommandError("A CSV file holds one kind: choose --kind runs, steps or messages")
    default_kinds = ["runs"] if file_format is CSV_FORMAT else list(EXPORT_KINDS)
    return default_kinds if kind in (None, "all") else [kind]


def _write(exports: list[Export], file_format: ExportFormat, file: IO[bytes], *, shows_progress: bool) -> None:
    is_countable = shows_progress and not file_format.has_whole_runs
    total = sum(export.count() for export in exports) if is_countable else None
    unit = " requests" if file_format.has_whole_runs else " records"
    with ProgressBar(sys.stderr, unit, total=total, is_enabled=shows_progress) as progress:
        for export in exports:
            for row in file_format.render(export):
                file.write(row)
                progress.update()
