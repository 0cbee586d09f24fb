"""The command `manage.py import_runs`."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError

from runs.errors import RunglassError, UnreadableBody
from runs.management.arguments import add_project_argument, resolve_project
from runs.management.data_command import DataCommand
from runs.management.outcome_table import escape_unprintable, format_outcome_table
from runs.management.progress import ProgressBar
from runs.models import Project
from runs.transfer.import_files import (
    ImportSource,
    find_skipped_files,
    is_import_input,
    open_import_sources,
    total_import_size,
)
from runs.transfer.import_records import ItemListName, ItemsOrder, PageDefaults, PageOwner
from runs.transfer.imports import ImportedBatch, ImportSummary, RejectedRecord, import_source

_INTERRUPTED = 130  # exit code
_MAX_SKIPPED_FILES = 10
_RESUME_HINT = "Stored records are kept, and the command can be repeated."


class Command(DataCommand):
    """Import files into a project and print what became of their records."""

    help = (
        "Import runs, steps, messages, assistant names, responses, conversations, recorded event streams, and "
        "traces as OTLP sends them, from files, folders or standard input, plain or in .gz, .zst, .zip and .tar. "
        "A downloaded page of items does not say whose it is: wrap it as "
        '{"response_id": …, "input_items": …} or {"conversation_id": …, "items": …}, or name its file '
        "RESPONSE_ID.input_items.json or CONVERSATION_ID.items.json."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments of the command."""
        parser.add_argument("paths", nargs="+", metavar="PATH", help="a file, a folder, or - for standard input")
        add_project_argument(parser)
        owner = parser.add_mutually_exclusive_group()
        owner.add_argument("--response", metavar="ID", help="the response whose input the pages of items are")
        owner.add_argument("--conversation", metavar="ID", help="the conversation whose items the pages are")
        parser.add_argument(
            "--items-order", choices=list(ItemsOrder), default=ItemsOrder.DESCENDING,
            help="the order in which pages of items were downloaded, by default desc, as the API does",
        )  # fmt: skip
        parser.add_argument("--dry-run", action="store_true", help="print what would happen, but store nothing")
        parser.add_argument("--rejects", metavar="FILE", help="write rejected records and their problems to FILE")

    def handle(self, *, paths: list[str], project: str, dry_run: bool, rejects: str | None, **options: Any) -> None:
        """Import the files."""
        resolved_project = resolve_project(project)
        defaults = _parse_page_defaults(options["response"], options["conversation"], options["items_order"])
        summary = ImportSummary()
        skipped_members: list[str] = []
        failure: CommandError | None = None
        try:
            with ExitStack() as stack:
                total = total_import_size(paths)
                rejects_file = stack.enter_context(_open_rejects_file(rejects, paths)) if rejects else None
                progress = stack.enter_context(ProgressBar(sys.stderr, "B", total=total))
                sources = open_import_sources(paths, skipped_members)
                for batch in _import_sources(resolved_project, sources, summary, progress, defaults, dry_run=dry_run):
                    self._report_batch(batch, rejects_file, options["verbosity"])
        except (OSError, RunglassError) as error:
            failure = CommandError(str(error))
        except (OperationalError, InterfaceError) as error:
            failure = CommandError(f"The database is unavailable: {str(error).strip()}\n{_RESUME_HINT}")
        except KeyboardInterrupt:
            failure = CommandError(f"Interrupted. {_RESUME_HINT}", returncode=_INTERRUPTED)

        self.stdout.write("Dry run, nothing was stored:" if dry_run else "Imported:")
        for line in format_outcome_table(summary):
            self.stdout.write(line)
        if failure is not None:
            raise failure
        self._report_skipped_files([*find_skipped_files(paths), *skipped_members])
        errors = [*summary.damaged_files]
        if rejected := summary.outcomes["rejected"]:
            errors.append(f"{rejected:,} of {summary.total:,} records were rejected")
        if errors:
            raise CommandError("\n".join(errors))

    def _report_batch(self, batch: ImportedBatch, rejects_file: IO[str] | None, verbosity: int) -> None:
        if verbosity > 1:
            for outcome, record_id in batch.stored.ids:
                self.stdout.write(escape_unprintable(f"{outcome.value:<10} {record_id}"))
        for record in batch.rejected:
            problems = "; ".join(f"{problem.path} {problem.message}".strip() for problem in record.problems)
            place = record.source if record.line is None else f"{record.source}:{record.line}"
            line = f"rejected   {place} {record.id or '(no id)'}: {problems}"
            self.stdout.write(escape_unprintable(line))
            if rejects_file:
                rejects_file.write(_format_reject(record))

    def _report_skipped_files(self, names: list[str]) -> None:
        for name in names[:_MAX_SKIPPED_FILES]:
            self.stdout.write(escape_unprintable(f"skipped: nothing to import: {name}"))
        if len(names) > _MAX_SKIPPED_FILES:
            self.stdout.write(f"and {len(names) - _MAX_SKIPPED_FILES:,} more")


def _import_sources(
    project: Project,
    sources: Iterable[ImportSource],
    summary: ImportSummary,
    progress: ProgressBar,
    defaults: PageDefaults,
    *,
    dry_run: bool,
) -> Iterator[ImportedBatch]:
    """Import one file after the other. A damaged file is recorded in `summary`, and the next one is read."""
    file: IO[bytes] | None = None
    bytes_in_file = bytes_in_earlier_files = 0
    for source in sources:
        if source.file is not file:  # all members of an archive share its file
            file = source.file
            bytes_in_file, bytes_in_earlier_files = 0, bytes_in_earlier_files + bytes_in_file
        try:
            for batch in import_source(project, source, summary, defaults, dry_run=dry_run):
                if file.seekable():  # a pipe has no position
                    bytes_in_file = max(bytes_in_file, file.tell())
                progress.show(bytes_in_earlier_files + bytes_in_file, details=f"{summary.total:,} records")
                yield batch
        except UnreadableBody as error:
            summary.damaged_files.append(error.message)


def _parse_page_defaults(response: str | None, conversation: str | None, order: str) -> PageDefaults:
    owner = None
    for items, owner_id in ((ItemListName.INPUT_ITEMS, response), (ItemListName.CONVERSATION_ITEMS, conversation)):
        if owner_id is not None:
            owner = PageOwner(items, owner_id)
    return PageDefaults(owner, ItemsOrder(order))


def _open_rejects_file(name: str, paths: list[str]) -> IO[str]:
    path = Path(name)
    if is_import_input(paths, path):
        raise CommandError(f"--rejects: {name} is one of the files to import, choose another file")
    return path.open("w", encoding="utf-8")


def _format_reject(record: RejectedRecord) -> str:
    problems = [{"path": problem.path, "message": problem.message} for problem in record.problems]
    position = {"source": record.source, "line": record.line, "id": record.id}
    raw = record.raw.decode(errors="backslashreplace")
    return json.dumps({**position, "problems": problems, "raw": raw}) + "\n"
