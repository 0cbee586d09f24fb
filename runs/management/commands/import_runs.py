"""`manage.py import_runs`: files of runs, steps, messages and assistants into a project, with a verdict per record."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError

from runs.errors import RunglassError, UnreadableBody
from runs.management.arguments import add_project_argument, resolve_project
from runs.management.outcome_table import escape_unprintable, format_outcome_table
from runs.management.progress import Progress
from runs.models import Project
from runs.transfer import import_files
from runs.transfer.imports import ImportedBatch, ImportSummary, RejectedRecord, import_source

_STOPPED = 130  # the exit code of what was interrupted
_MOST_NAMED = 10  # files that were not read
_KEPT = "what was stored before stays, and the command can be repeated"


class Command(BaseCommand):
    help = "Import runs, steps, messages and assistants' names from JSON, NDJSON, .gz, .zst, .zip files, folders or -."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="a file, a folder, or - for standard input")
        add_project_argument(parser)
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and store nothing")
        parser.add_argument("--rejects", metavar="FILE", help="write what was refused, with the reasons, to FILE")

    def handle(self, *, paths: list[str], project: str, dry_run: bool, rejects: str | None, **options: Any) -> None:
        verdicts = ImportSummary()
        trouble = self._trouble(resolve_project(project), paths, rejects, verdicts, dry_run, options["verbosity"])
        self._print_table(verdicts, dry_run)
        if trouble is not None:
            raise trouble
        self._print_passed_over(import_files.find_skipped_files(paths))
        wrong = [*verdicts.damaged]
        if verdicts.outcomes["rejected"]:
            wrong.append(f"{verdicts.outcomes['rejected']:,} of {verdicts.total:,} records were rejected")
        if wrong:
            raise CommandError("\n".join(wrong))

    def _trouble(
        self,
        project: Project,
        paths: list[str],
        rejects: str | None,
        verdicts: ImportSummary,
        dry_run: bool,
        verbosity: int,
    ) -> CommandError | None:
        """Import everything; what ended that early, if anything did."""
        try:
            with ExitStack() as stack:
                size = import_files.total_import_size(paths)
                side_file = stack.enter_context(_side_file(rejects, paths)) if rejects else None
                progress = stack.enter_context(Progress(size, sys.stderr))
                batches = _batches(project, paths, verdicts, progress, dry_run)
                self._report(batches, side_file, verbosity)
        except (OSError, RunglassError) as error:
            return CommandError(str(error))
        except (OperationalError, InterfaceError) as error:
            return CommandError(f"The database does not answer: {str(error).strip()}\n{_KEPT.capitalize()}.")
        except KeyboardInterrupt:
            return CommandError(f"Stopped: {_KEPT}.", returncode=_STOPPED)
        return None

    def _report(self, batches: Iterator[ImportedBatch], side_file: IO[str] | None, verbosity: int) -> None:
        for batch in batches:
            if verbosity > 1:
                for index, outcome in batch.report.outcomes.items():
                    self.stdout.write(escape_unprintable(f"{outcome.value:<10} {batch.report.ids[index]}"))
            for rejected in batch.rejected:
                self.stdout.write(escape_unprintable(_in_words(rejected)))
                if side_file:
                    side_file.write(_as_json_line(rejected))

    def _print_table(self, verdicts: ImportSummary, dry_run: bool) -> None:
        self.stdout.write("would be (dry run, nothing was stored):" if dry_run else "done:")
        for line in format_outcome_table(verdicts):
            self.stdout.write(line)

    def _print_passed_over(self, names: list[str]) -> None:
        """Name what lay in the folders and was not read."""
        for name in names[:_MOST_NAMED]:
            self.stdout.write(escape_unprintable(f"not read, since its name is none of JSON: {name}"))
        if len(names) > _MOST_NAMED:
            self.stdout.write(f"and {len(names) - _MOST_NAMED:,} others")


def _batches(
    project: Project, paths: list[str], verdicts: ImportSummary, progress: Progress, dry_run: bool
) -> Iterator[ImportedBatch]:
    """Import one file after the other; what damage ends is noted, and the next one is read."""
    for source in import_files.open_import_sources(paths):
        try:
            for batch in import_source(project, source, verdicts, dry_run=dry_run):
                progress.advance(source.file, verdicts.total)
                yield batch
        except UnreadableBody as error:
            verdicts.damaged.append(error.message)


def _side_file(name: str, paths: list[str]) -> IO[str]:
    """The file for what is refused. Raises CommandError where it would be read as well."""
    path = Path(name)
    if import_files.is_import_input(paths, path):
        raise CommandError(f"{name} is among the files to import: have the rejected ones written elsewhere")
    return path.open("w", encoding="utf-8")


def _in_words(rejected: RejectedRecord) -> str:
    reasons = "; ".join(f"{each.path} {each.message}".strip() for each in rejected.problems)
    return f"rejected   {rejected.source}:{rejected.line} {rejected.id or '(no id)'}: {reasons}"


def _as_json_line(rejected: RejectedRecord) -> str:
    """The refused text itself is in `raw`, as it was read."""
    problems = [{"path": each.path, "message": each.message} for each in rejected.problems]
    where = {"source": rejected.source, "line": rejected.line, "id": rejected.id, "problems": problems}
    return json.dumps(where | {"raw": rejected.raw.decode(errors="backslashreplace")}) + "\n"
