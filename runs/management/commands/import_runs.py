"""`manage.py import_runs`: files of runs, steps and messages into a project, with a verdict per record."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from runs.errors import UnreadableBody
from runs.ingest import files
from runs.ingest.imports import Batch, Rejected, Verdicts, import_source
from runs.management.arguments import add_project, find_project
from runs.models import Project

_LINE_EVERY = 5.0  # seconds, where there is no terminal
_MOST_REASONS = 20


class Command(BaseCommand):
    help = "Import runs, steps and messages from JSON, NDJSON, .gz, .zst and .zip files, folders or - (stdin)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="a file, a folder, or - for standard input")
        add_project(parser)
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and store nothing")
        parser.add_argument("--rejects", metavar="FILE", help="write what was refused, with the reasons, to FILE")

    def handle(self, *, paths: list[str], project: str, dry_run: bool, rejects: str | None, **options: Any) -> None:
        verdicts = Verdicts()
        try:
            with ExitStack() as stack:
                side_file = stack.enter_context(open(rejects, "w")) if rejects else None  # noqa: PTH123
                progress = stack.enter_context(_Progress(files.total_size(paths), self.stderr._out))
                batches = self._import(find_project(project), paths, verdicts, progress, dry_run)
                self._report(batches, side_file, options["verbosity"])
        except (OSError, UnreadableBody) as error:
            self._print_table(verdicts, dry_run)
            raise CommandError(str(error)) from error
        self._print_table(verdicts, dry_run)
        if verdicts.outcomes["rejected"]:
            raise CommandError(f"{verdicts.outcomes['rejected']:,} of {verdicts.total:,} records were rejected")

    def _import(
        self, project: Project, paths: list[str], verdicts: Verdicts, progress: _Progress, dry_run: bool
    ) -> Iterator[Batch]:
        for source in files.sources(paths):
            progress.begin(source)
            for batch in import_source(project, source, verdicts, dry_run=dry_run):
                progress.advance(verdicts)
                yield batch
            progress.end()

    def _report(self, batches: Iterator[Batch], side_file: IO[str] | None, verbosity: int) -> None:
        for batch in batches:
            if verbosity > 1:
                for index, outcome in batch.report.outcomes.items():
                    self.stdout.write(f"{outcome.value:<10} {batch.report.ids[index]}")
            for rejected in batch.rejected:
                self.stdout.write(_in_words(rejected))
                if side_file:
                    side_file.write(_as_json_line(rejected))

    def _print_table(self, verdicts: Verdicts, dry_run: bool) -> None:
        self.stdout.write("would be (dry run, nothing was stored):" if dry_run else "done:")
        for name in ("created", "updated", "unchanged", "stale", "rejected"):
            self.stdout.write(f"  {name:<10} {verdicts.outcomes[name]:>10,}")
        for reason, count in verdicts.reasons.most_common(_MOST_REASONS):
            self.stdout.write(f"    {count:>8,} × {reason}")
        if len(verdicts.reasons) > _MOST_REASONS:
            self.stdout.write(f"    and {len(verdicts.reasons) - _MOST_REASONS:,} other reasons")
        for revision, count in sorted(verdicts.revisions.items()):
            self.stdout.write(f"  runs of revision {revision:<6} {count:>10,}")


def _in_words(rejected: Rejected) -> str:
    reasons = "; ".join(f"{each.path} {each.message}".strip() for each in rejected.problems)
    return f"rejected   {rejected.source}:{rejected.line} {rejected.id or '(no id)'}: {reasons}"


def _as_json_line(rejected: Rejected) -> str:
    """The refused text itself is in `raw`, as it was read."""
    problems = [{"path": each.path, "message": each.message} for each in rejected.problems]
    where = {"source": rejected.source, "line": rejected.line, "id": rejected.id, "problems": problems}
    return json.dumps(where | {"raw": rejected.raw.decode(errors="backslashreplace")}) + "\n"


class _Progress:
    """A bar with rate and time left on a terminal, a line every few seconds elsewhere."""

    def __init__(self, total: int | None, out: Any) -> None:
        self._bar = tqdm(total=total, unit="B", unit_scale=True, file=out, disable=not out.isatty())
        self._total, self._out = total, out
        self._begun = self._told = time.monotonic()
        self._before = 0
        self._source: files.Source | None = None

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def begin(self, source: files.Source) -> None:
        self._source = source

    def end(self) -> None:
        self._before += self._position()
        self._source = None

    def advance(self, verdicts: Verdicts) -> None:
        """Show how far the import is."""
        done = self._before + self._position()
        self._bar.update(done - self._bar.n)
        self._bar.set_postfix_str(f"{verdicts.total:,} records", refresh=False)
        now = time.monotonic()
        if self._bar.disable and now - self._told > _LINE_EVERY:
            self._told = now
            self._out.write(self._line(done, verdicts.total, now - self._begun))

    def _line(self, done: int, records: int, seconds: float) -> str:
        line = f"{records:,} records, {records / seconds:,.0f}/s"
        if self._total and done:
            left = seconds * (self._total - done) / done
            line += f", {done / self._total:.0%}, {left:,.0f} s left"
        return line + "\n"

    def _position(self) -> int:
        stream = self._source.packed if self._source else None
        return stream.tell() if stream is not None and stream is not sys.stdin.buffer else 0
