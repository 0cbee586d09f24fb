"""`manage.py export_runs`: runs, steps and messages back out, as they were posted or as a table."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from tqdm import tqdm

from runs.errors import InvalidFilter
from runs.management.arguments import add_project_argument, resolve_project
from runs.query import RunFilters
from runs.transfer import exports
from runs.transfer.exports import Export

_STOPPED = 130  # the exit code of what was interrupted


class Command(BaseCommand):
    help = "Write runs, their steps and their threads' messages to standard output or a file, oldest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_project_argument(parser)
        parser.add_argument(
            "--query",
            default="",
            metavar="QUERY",
            help="which runs: 'status:failed created:-7d', in the language of the run list, or the query string "
            "of its address, 'status=failed&from=-7d' (default: all); --query=-… where it begins with a minus",
        )
        parser.add_argument(
            "--format",
            choices=("jsonl", "csv"),
            default="jsonl",
            help="jsonl: the objects as they were posted, one a line, for import_runs; csv: a table",
        )
        parser.add_argument(
            "--kind",
            choices=(*exports.EXPORT_KINDS, "all"),
            help="what to write (default: all for jsonl, runs for csv, which holds one kind)",
        )
        parser.add_argument("--output", metavar="FILE", help="a file, which is there only once it is complete")

    def handle(
        self,
        *,
        project: str,
        query: str,
        format: str,  # noqa: A002 - the name of the argument
        kind: str | None,
        output: str | None,
        **_: Any,
    ) -> None:
        wanted = _kinds(kind, format)
        found = resolve_project(project)
        filters = _filters(query)
        parts = [exports.EXPORT_KINDS[name](found, filters) for name in wanted]
        try:
            with _destination(output) as file, transaction.atomic():
                _write(parts, format, file, show_progress=_may_draw(output))
        except BrokenPipeError:
            # whoever reads has enough; what Python would flush at its end has nowhere to go
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped: the export is not complete.", returncode=_STOPPED) from None


def _kinds(kind: str | None, form: str) -> tuple[str, ...]:
    if form == "csv":
        if kind == "all":
            raise CommandError("A CSV file holds one kind: choose --kind runs, steps or messages")
        return (kind or "runs",)
    return tuple(exports.EXPORT_KINDS) if kind in (None, "all") else (kind,)


def _filters(query: str) -> RunFilters:
    try:
        return RunFilters.read(query)
    except InvalidFilter as error:
        raise CommandError(f"--query: {error}") from error


@contextmanager
def _destination(name: str | None) -> Iterator[IO[bytes]]:
    """Standard output, or a file that takes its name when all is written. Raises OSError."""
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


def _may_draw(output: str | None) -> bool:
    """Whether a bar on stderr meets a terminal, and not the data themselves there."""
    return sys.stderr.isatty() and (output is not None or not sys.stdout.isatty())


def _write(parts: list[Export], form: str, file: IO[bytes], *, show_progress: bool) -> None:
    total = sum(part.count() for part in parts) if show_progress else None
    with tqdm(total=total, unit=" records", unit_scale=True, file=sys.stderr, disable=not show_progress) as bar:
        for part in parts:
            records = part.records()
            rows = exports.render_csv(part.columns, records) if form == "csv" else exports.render_ndjson(records)
            for row in rows:
                file.write(row)
                bar.update()
