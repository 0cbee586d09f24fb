"""`manage.py doctor`: check the environment and the integrity of the data, and repair what is safe."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.utils import DatabaseError
from django.utils import timezone

from dashboard.server.database import describe_database_error
from dashboard.server.doctor import database_checks, machine_checks
from runs.errors import TooManyRetries
from runs.integrity.check_results import CheckResult, Severity
from runs.integrity.history import check_history
from runs.integrity.metadata import check_metadata
from runs.integrity.orphans import check_belongings, check_references
from runs.integrity.rollup_check import check_rollups
from runs.integrity.search_texts import check_search_texts
from runs.management.arguments import resolve_project
from runs.management.progress import ProgressBar
from runs.models import Project


class Command(BaseCommand):
    """Check everything."""

    help = (
        "Check the environment and the integrity of the data, also while the site serves. Exits with 1 if there are "
        "problems, and with 0 if there are only warnings"
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--repair", action="store_true", help="repair what can be repaired without losing anything")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON document")
        parser.add_argument("--host", default="127.0.0.1", help="address that `up` listens on (default: 127.0.0.1)")
        parser.add_argument("--project", metavar="SLUG", help="check the data of one project (default: all)")
        parser.add_argument("--days", type=int, metavar="N", help="recount rollups of the last N days (default: all)")
        parser.add_argument("--skip-data", action="store_true", help="check only the environment, which takes a second")

    def handle(self, *, as_json: bool, repair: bool, skip_data: bool, **options: Any) -> None:
        """Print the results. Exits with 1 if there are problems. Raises CommandError if the database is away."""
        results: list[CheckResult] = []
        try:
            for result in self._check(repair=repair, skip_data=skip_data, **options):
                results.append(result)
                if not as_json:
                    self._print(result)
        except DatabaseError as error:
            result = CheckResult("database", Severity.PROBLEM, describe_database_error(error))
            results.append(result)
            if not as_json:
                self._print(result)
        except TooManyRetries as error:
            raise CommandError(error.message) from error
        if as_json:
            self.stdout.write(json.dumps({"results": [asdict(result) for result in results]}, indent=2))
        if any(result.severity is Severity.PROBLEM for result in results):
            sys.exit(1)

    def _check(
        self, *, repair: bool, skip_data: bool, host: str, project: str | None, days: int | None, **_: Any
    ) -> Iterator[CheckResult]:
        yield from machine_checks.check_configuration(host)
        yield from machine_checks.check_data_directory(settings.DATA_DIR)
        yield machine_checks.check_site_url(str(settings.SITE_URL or ""))
        database_results = list(database_checks.check_database())
        yield from database_results
        if any(result.severity is Severity.PROBLEM for result in database_results):
            yield CheckResult("data", Severity.WARNING, "not checked", "Mend the database first")
            return
        yield machine_checks.check_backups()
        if skip_data:
            return
        yield from check_belongings(is_repairing=repair)
        projects = [resolve_project(project)] if project else list(Project.objects.all())
        for checked in projects:
            yield from check_references(checked, is_repairing=repair)
            yield from check_metadata(checked, is_repairing=repair)
            yield check_search_texts(checked, is_repairing=repair)
            yield from self._check_with_progress(checked, days, repair=repair)

    def _check_with_progress(self, project: Project, days: int | None, *, repair: bool) -> Iterator[CheckResult]:
        since = None if days is None else (timezone.now() - timedelta(days=days)).date()
        with ProgressBar(sys.stderr, " days", label=f"Recounting {project.slug}") as progress:
            result = check_rollups(project, since, progress.show, is_repairing=repair)
        yield result
        with ProgressBar(sys.stderr, " records", label=f"Rebuilding {project.slug}") as progress:
            results = list(check_history(project, progress.show))
        yield from results

    def _print(self, result: CheckResult) -> None:
        remedy = f". {result.remedy}" if result.remedy else ""
        self.stdout.write(f"{result.severity:<8} {result.name}: {result.message}{remedy}")
