"""The command `manage.py harvest`."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError

from runs.errors import RunglassError
from runs.ingest import IngestReport
from runs.management.arguments import add_project_argument, resolve_project
from runs.management.data_command import DataCommand
from runs.management.outcome_table import escape_unprintable, format_outcome_table
from runs.management.progress import ProgressBar
from runs.models import Project
from runs.transfer.harvest import Harvest
from runs.transfer.harvest.client import HarvestClient, HarvestServer
from runs.transfer.harvest.crawler import ListProblems, ThreadCrawl
from runs.transfer.harvest.progress_file import HarvestProgressFile
from runs.transfer.harvest.rate_limit import RateLimiter
from runs.transfer.harvest.responses import NamedObject

_INTERRUPTED = 130  # exit code
_RESUME_HINT = "Stored records are kept; the same command continues from there."
_MAX_CONCURRENCY = 64
_MAX_RATE = 10_000
_NAMED = ("threads", "responses", "conversations")


class Command(DataCommand):
    """Copy the history of another server into a project and print what became of it."""

    help = (
        "Fetch threads, runs, steps, messages and assistant names from an Assistants-compatible server. "
        "Can be interrupted and repeated: threads whose runs have all ended are not fetched again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments of the command."""
        parser.add_argument(
            "--base-url",
            required=True,
            type=_parse_base_url,
            metavar="URL",
            help="URL before /threads: https://HOST/v1, or https://HOST/api/projects/NAME (Azure)",
        )
        parser.add_argument(
            "--api-key-env", metavar="NAME", help="environment variable that holds the API key or token"
        )
        parser.add_argument("--api-version", metavar="V", help="api-version of every request; Azure: v1")
        parser.add_argument(
            "--header",
            action="append",
            default=[],
            type=_parse_header,
            metavar="NAME=ENV",
            help="additional header with its value in an environment variable; for keys of Azure: api-key=NAME",
        )
        parser.add_argument(
            "--threads-file",
            metavar="FILE",
            help="ids of threads, one per line, for servers that do not list them (OpenAI); - is standard input",
        )
        parser.add_argument(
            "--responses-file", metavar="FILE", help="ids of responses, one per line, to fetch with their input items"
        )
        parser.add_argument(
            "--conversations-file", metavar="FILE", help="ids of conversations, one per line, to fetch with their items"
        )
        add_project_argument(parser)
        parser.add_argument(
            "--concurrency", type=_parse_concurrency, default=4, metavar="N", help="simultaneous requests (default: 4)"
        )
        parser.add_argument(
            "--rate", type=_parse_rate, default=10.0, metavar="N", help="requests per second (default: 10)"
        )
        parser.add_argument(
            "--state", metavar="FILE", help="file of finished threads (default: a file in the data directory)"
        )
        parser.add_argument(
            "--ignore-has-more",
            action="store_true",
            help="an empty page ends a list even if it has has_more: true, for servers that always send that",
        )
        parser.add_argument("--again", action="store_true", help="fetch finished threads again")

    def handle(self, *, base_url: str, project: str, **options: Any) -> None:
        """Run the harvest."""
        server = HarvestServer(
            base_url, options["api_version"], _read_headers(options), ignore_has_more=options["ignore_has_more"]
        )
        rate_limiter = RateLimiter(options["concurrency"], options["rate"])
        resolved_project = resolve_project(project)
        named = {name: _read_id_file(f"--{name}-file", options[f"{name}_file"]) for name in _NAMED}
        try:
            with (
                _open_progress_file(resolved_project, base_url, options["state"]) as progress_file,
                HarvestClient(server, rate_limiter) as client,
            ):
                harvest = Harvest(
                    resolved_project,
                    client,
                    rate_limiter,
                    progress_file,
                    options["concurrency"],
                    refetch_finished=options["again"],
                )
                self._run(harvest, _start(harvest, named), options["verbosity"])
        except (OSError, RunglassError) as error:
            raise CommandError(escape_unprintable(str(error))) from error

    def _run(self, harvest: Harvest, results: Iterator[IngestReport | ListProblems], verbosity: int) -> None:
        failure: CommandError | None = None
        started = time.monotonic()
        try:
            with ProgressBar(sys.stderr, " threads") as progress:
                for result in results:
                    if isinstance(result, ListProblems):
                        self._report_problems(result, verbosity)
                    else:
                        self._report_rejects(result)
                    _show_progress(progress, harvest, time.monotonic() - started)
        except RunglassError as error:
            failure = CommandError(f"{escape_unprintable(str(error))}\n{_RESUME_HINT}")
        except (OperationalError, InterfaceError) as error:
            failure = CommandError(f"The database is unavailable: {str(error).strip()}\n{_RESUME_HINT}")
        except KeyboardInterrupt:
            failure = CommandError(f"Interrupted. {_RESUME_HINT}", returncode=_INTERRUPTED)

        self.stdout.write("Harvested:" if failure is None else "Harvested so far:")
        self._print_counts(harvest)
        if failure is not None:
            raise failure
        if harvest.summary.has_only_missing_threads:
            raise CommandError("The server knows none of these threads: check the base URL and the project of the key")
        if harvest.summary.has_only_missing_named:
            raise CommandError(
                "The server knows none of these responses and conversations: "
                "check the base URL and the project of the key"
            )
        if not harvest.summary.is_complete:
            counts = (
                f"Lists not fetched: {harvest.summary.failed_lists:,}. "
                f"Lists with missing objects: {harvest.summary.truncated_lists:,}. "
                f"Records rejected: {harvest.summary.stored.outcomes['rejected']:,}."
            )
            raise CommandError(f"The harvest is incomplete. {counts} {_RESUME_HINT}")

    def _report_problems(self, problems: ListProblems, verbosity: int) -> None:
        lines = [f"failed     {message}" for message in problems.failures]
        lines += [
            f"truncated  {path}: the server announces more objects (has_more: true) but sends none. If it always "
            "announces more, repeat with --ignore-has-more"
            for path in problems.truncated_lists
        ]
        if verbosity > 1 or (isinstance(problems, ThreadCrawl | NamedObject) and problems.is_missing):
            lines += [f"missing    {path}" for path in problems.missing_lists]
        for line in lines:
            self.stdout.write(escape_unprintable(line))

    def _report_rejects(self, report: IngestReport) -> None:
        for problem in report.errors:
            line = f"rejected   {problem.id or '(no id)'}: {problem.path} {problem.message}"
            self.stdout.write(escape_unprintable(line))

    def _print_counts(self, harvest: Harvest) -> None:
        summary = harvest.summary
        counts = {
            "threads": summary.crawled_threads,
            "skipped": summary.skipped_threads,
            **summary.fetched_objects,
            "missing": summary.missing_lists,
            "truncated": summary.truncated_lists,
            "failed": summary.failed_lists,
            "requests": harvest.client.requests,
        }
        for name, count in counts.items():
            self.stdout.write(f"  {name:<10} {count:>10,}")
        for line in format_outcome_table(summary.stored):
            self.stdout.write(line)


def _show_progress(progress: ProgressBar, harvest: Harvest, seconds: float) -> None:
    summary = harvest.summary
    total = None if summary.total_threads is None else summary.total_threads - summary.skipped_threads
    counts = [f"{summary.fetched_objects[name]:,} {name}" for name in ("runs", "steps", "messages")]
    rate = f"{harvest.client.requests / max(seconds, 0.001):,.1f} requests/s"
    progress.show(summary.crawled_threads, total, ", ".join([*counts, rate]))


def _read_headers(options: dict[str, Any]) -> dict[str, str]:
    headers = {name: _read_secret(variable) for name, variable in options["header"]}
    if options["api_key_env"]:
        headers["Authorization"] = f"Bearer {_read_secret(options['api_key_env'])}"
    return headers


def _read_secret(variable: str) -> str:
    """Return the value of an environment variable, which no error message shows."""
    value = os.environ.get(variable, "").strip()
    if not value:
        raise CommandError(f"The environment variable {variable} is not set")
    if not (value.isascii() and value.isprintable()):
        raise CommandError(f"The environment variable {variable} is not a valid header value")
    return value


def _start(harvest: Harvest, named: dict[str, list[str] | None]) -> Iterator[IngestReport | ListProblems]:
    """Begin with the named responses and conversations. Without these, or with named threads, fetch threads."""
    responses, conversations = named["responses"], named["conversations"]
    if responses is None and conversations is None:
        return harvest.run(named["threads"])
    results = harvest.run_named(responses or [], conversations or [])
    return results if named["threads"] is None else chain(results, harvest.run(named["threads"]))


def _read_id_file(option: str, name: str | None) -> list[str] | None:
    """Return the ids in a file: one per line, without blank lines and lines that start with #."""
    if name is None:
        return None
    try:
        content = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{option}: {error}") from error
    lines = (line.strip() for line in content.splitlines())
    ids = [line for line in lines if line and not line.startswith("#")]
    if not ids:
        raise CommandError(f"{option}: {name} contains no id")
    return ids


def _open_progress_file(project: Project, base_url: str, name: str | None) -> HarvestProgressFile:
    """Open the progress file: by default one per server and project. A recreated project gets a new one."""
    identity = {"server": base_url, "project": project.slug, "since": project.created_at.isoformat()}
    if name:
        return HarvestProgressFile(Path(name), identity)
    digest = hashlib.sha256("\0".join(identity.values()).encode()).hexdigest()[:12]
    file_name = f"{project.slug}-{urlsplit(base_url).hostname}-{digest}.jsonl"
    return HarvestProgressFile(Path(settings.DATA_DIR) / "harvest" / file_name, identity)


def _parse_base_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid or parts.query or parts.fragment or not value.isprintable() or parts.username:
        raise ArgumentTypeError(f"'{value}' is not a base URL like https://HOST/v1")
    return value.rstrip("/")


def _parse_header(value: str) -> tuple[str, str]:
    name, _, variable = value.partition("=")
    if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum() and variable):
        raise ArgumentTypeError(f"'{value}' is not NAME=ENV, like api-key=AZURE_KEY")
    return name, variable


def _parse_concurrency(value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= _MAX_CONCURRENCY:
        raise ArgumentTypeError(f"'{value}' is not a number from 1 to {_MAX_CONCURRENCY}")
    return int(value)


def _parse_rate(value: str) -> float:
    try:
        rate = float(value)
    except ValueError:
        rate = 0
    if not 0 < rate <= _MAX_RATE:
        raise ArgumentTypeError(f"'{value}' is not a number above 0 and up to {_MAX_RATE:,}")
    return rate
