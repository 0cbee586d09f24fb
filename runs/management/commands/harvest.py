"""`manage.py harvest`: the history that an Assistants-compatible server holds, into a project."""

from __future__ import annotations

import hashlib
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError

from runs.errors import RunglassError
from runs.ingest import IngestReport
from runs.management.arguments import add_project_argument, resolve_project
from runs.management.harvest_progress import HarvestProgress
from runs.management.outcome_table import escape_unprintable, format_outcome_table
from runs.models import Project
from runs.transfer.harvest import Harvest, HarvestProgressFile, ThreadCrawl
from runs.transfer.harvest.client import HarvestClient, HarvestServer
from runs.transfer.harvest.rate_limit import RateLimiter

_STOPPED = 130  # the exit code of what was interrupted
_KEPT = "What was stored before stays; the same command goes on from there."


class Command(BaseCommand):
    help = (
        "Fetch threads, runs, steps, messages and assistants' names from an Assistants-compatible server. "
        "Safe to stop and to repeat: threads whose runs had all ended are not fetched again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--base-url",
            required=True,
            type=_base_url,
            metavar="URL",
            help="what comes before /threads: https://HOST/v1, or https://HOST/api/projects/NAME (Azure)",
        )
        parser.add_argument(
            "--api-key-env", metavar="NAME", help="the environment variable that holds the key or token"
        )
        parser.add_argument("--api-version", metavar="V", help="api-version of every request; Azure: v1")
        parser.add_argument(
            "--header",
            action="append",
            default=[],
            type=_header,
            metavar="NAME=ENV",
            help="one more header, its value from an environment variable; for keys of Azure: api-key=NAME",
        )
        parser.add_argument(
            "--threads-file",
            metavar="FILE",
            help="ids of threads, one a line, for servers that list none (OpenAI's); - is standard input",
        )
        add_project_argument(parser)
        parser.add_argument(
            "--concurrency", type=_at_least_one, default=4, metavar="N", help="requests at once (default: 4)"
        )
        parser.add_argument("--rate", type=_positive, default=10.0, metavar="N", help="requests a second (default: 10)")
        parser.add_argument(
            "--state", metavar="FILE", help="which threads are finished (default: one in the data directory)"
        )
        parser.add_argument("--again", action="store_true", help="fetch finished threads once more")

    def handle(self, *, base_url: str, project: str, **options: Any) -> None:
        server = HarvestServer(base_url, options["api_version"], _headers(options))
        pace = RateLimiter(options["concurrency"], options["rate"])
        found = resolve_project(project)
        named = _named(options["threads_file"])
        try:
            with _finished(found, base_url, options["state"]) as finished, HarvestClient(server, pace) as client:
                harvest = Harvest(found, client, pace, finished, options["concurrency"], again=options["again"])
                self._run(harvest, named, options["verbosity"])
        except (OSError, RunglassError) as error:
            raise CommandError(escape_unprintable(str(error))) from error

    def _run(self, harvest: Harvest, named: list[str] | None, verbosity: int) -> None:
        trouble = self._trouble(harvest, named, verbosity)
        self._print_summary(harvest, "done:" if trouble is None else "so far:")
        if trouble is not None:
            raise trouble
        if not harvest.tally.is_complete:
            raise CommandError(_incomplete(harvest))

    def _trouble(self, harvest: Harvest, named: list[str] | None, verbosity: int) -> CommandError | None:
        """Harvest; what ended that early, if anything did."""
        try:
            with HarvestProgress(harvest, sys.stderr) as progress:
                for each in harvest.run(named):
                    if isinstance(each, ThreadCrawl):
                        self._tell_visit(each, verbosity)
                    else:
                        self._tell_rejected(each)
                    progress.show()
        except RunglassError as error:
            return CommandError(f"{escape_unprintable(str(error))}\n{_KEPT}")
        except (OperationalError, InterfaceError) as error:
            return CommandError(f"The database does not answer: {str(error).strip()}\n{_KEPT}")
        except KeyboardInterrupt:
            return CommandError(f"Stopped. {_KEPT}", returncode=_STOPPED)
        return None

    def _tell_visit(self, visit: ThreadCrawl, verbosity: int) -> None:
        lines = [f"failed     {fault}" for fault in visit.faults]
        lines += [f"repeats    {path}: it tells of more, but repeats itself" for path in visit.repeats]
        if visit.is_gone or verbosity > 1:
            lines += [f"missing    {path}" for path in visit.missing]
        for line in lines:
            self.stdout.write(escape_unprintable(line))

    def _tell_rejected(self, report: IngestReport) -> None:
        for problem in report.errors:
            where = f"{problem.id or '(no id)'}: {problem.path} {problem.message}"
            self.stdout.write(escape_unprintable(f"rejected   {where}"))

    def _print_summary(self, harvest: Harvest, heading: str) -> None:
        tally = harvest.tally
        self.stdout.write(heading)
        counts = {"threads": tally.done, "skipped": tally.skipped, **tally.fetched}
        counts |= {"missing": tally.missing, "failed": tally.faults, "requests": harvest.client.requests}
        for name, count in counts.items():
            self.stdout.write(f"  {name:<10} {count:>10,}")
        for line in format_outcome_table(tally.verdicts):
            self.stdout.write(line)


def _incomplete(harvest: Harvest) -> str:
    tally = harvest.tally
    if tally.gone and tally.gone == tally.done:
        return "The server knows none of these threads: is the base URL right, and the key of that project?"
    rejected = tally.verdicts.outcomes["rejected"]
    return f"Not complete: {tally.faults:,} × not fetched, {rejected:,} × rejected. {_KEPT}"  # noqa: RUF001


def _headers(options: dict[str, Any]) -> dict[str, str]:
    headers = {name: _secret(variable) for name, variable in options["header"]}
    if options["api_key_env"]:
        headers["Authorization"] = f"Bearer {_secret(options['api_key_env'])}"
    return headers


def _secret(variable: str) -> str:
    """What an environment variable holds, which is never shown. Raises CommandError."""
    value = os.environ.get(variable, "").strip()
    if not value:
        raise CommandError(f"The environment variable {variable} is not set")
    if not (value.isascii() and value.isprintable()):
        raise CommandError(f"The environment variable {variable} holds what no header can")
    return value


def _named(name: str | None) -> list[str] | None:
    """The ids of a threads file: one a line, blank lines and those that begin with # aside."""
    if name is None:
        return None
    try:
        content = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--threads-file: {error}") from error
    lines = (line.strip() for line in content.splitlines())
    ids = [line for line in lines if line and not line.startswith("#")]
    if not ids:
        raise CommandError(f"--threads-file: {name} names no thread")
    return ids


def _finished(project: Project, base_url: str, name: str | None) -> HarvestProgressFile:
    """The state file: by default one for each server and project, made anew with the project."""
    about = {"server": base_url, "project": project.slug, "since": project.created_at.isoformat()}
    if name:
        return HarvestProgressFile(Path(name), about)
    digest = hashlib.sha256("\0".join(about.values()).encode()).hexdigest()[:12]
    place = f"{project.slug}-{urlsplit(base_url).hostname}-{digest}.jsonl"
    return HarvestProgressFile(Path(settings.DATA_DIR) / "harvest" / place, about)


def _base_url(given: str) -> str:
    try:
        parts = urlsplit(given)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or parts.query or parts.fragment or not given.isprintable() or parts.username:
        raise ArgumentTypeError(f"'{given}' is no address like https://HOST/v1")
    return given.rstrip("/")


def _header(given: str) -> tuple[str, str]:
    name, _, variable = given.partition("=")
    if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum() and variable):
        raise ArgumentTypeError(f"'{given}' is not NAME=ENV, such as api-key=AZURE_KEY")
    return name, variable


def _at_least_one(given: str) -> int:
    if not given.isdecimal() or not 1 <= int(given) <= 64:
        raise ArgumentTypeError(f"'{given}' is no number from 1 to 64")
    return int(given)


def _positive(given: str) -> float:
    try:
        rate = float(given)
    except ValueError:
        rate = 0
    if not 0 < rate <= 10_000:
        raise ArgumentTypeError(f"'{given}' is no number above 0")
    return rate
