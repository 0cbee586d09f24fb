"""The command `doctor`: what it prints, its exit codes, and its repairs."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

from dashboard.server.doctor import database_checks, machine_checks
from runs.integrity.check_results import Severity
from runs.models import DayByModel, Project
from tests import factories
from tests.runs.rollups.test_runs import read_rollups, recount_rollups


@pytest.fixture
def data_dir(tmp_path: Path, settings: Any) -> Path:
    tmp_path.chmod(0o700)
    settings.DATA_DIR = tmp_path
    return tmp_path


def run_doctor(*arguments: str) -> tuple[str, int]:
    output = StringIO()
    try:
        call_command("doctor", *arguments, stdout=output)
    except SystemExit as error:
        return output.getvalue(), int(error.code or 0)
    return output.getvalue(), 0


def test_sound_instance_has_no_problems(project: Project, data_dir: Path) -> None:
    factories.post_run(project)
    output, code = run_doctor()
    assert code == 0
    assert "problem" not in output
    assert "ok       rollups of default: equal a recount of 1 days" in output


def test_problems_are_repaired(project: Project, data_dir: Path) -> None:
    factories.post_run(project)
    DayByModel.objects.all().delete()
    output, code = run_doctor("--json")
    assert code == 1
    [problem] = [result for result in json.loads(output)["results"] if result["severity"] == "problem"]
    assert problem["name"] == "rollups of default"
    assert problem["remedy"] == "Run `doctor --repair`"
    output, code = run_doctor("--repair", "--project", "default")
    assert code == 0
    assert "rollups of default: repaired: 1 sums of 1 days" in output
    assert read_rollups(project) == recount_rollups(project)


def test_days_limit_the_recount(project: Project, data_dir: Path) -> None:
    factories.post_run(project, created_at=factories.NOW - 400 * 86_400)
    DayByModel.objects.all().delete()
    assert run_doctor("--days", "7")[1] == 0
    assert run_doctor("--skip-data")[1] == 0
    assert run_doctor()[1] == 1


def test_database_outage_is_a_problem(data_dir: Path, db: None) -> None:
    def fail(*_: Any) -> Any:
        raise OperationalError("connection refused")

    with connection.execute_wrapper(fail):
        output, code = run_doctor()
    assert code == 1
    assert "problem  database: Cannot connect to the database: connection refused" in output


@pytest.mark.parametrize(("mode", "severity"), [(0o600, Severity.OK), (0o640, Severity.PROBLEM)])
def test_readable_key_is_a_problem(data_dir: Path, mode: int, severity: Severity) -> None:
    (data_dir / "secret_key").write_text("key")
    (data_dir / "secret_key").chmod(mode)
    results = {result.name: result for result in machine_checks.check_data_directory(data_dir)}
    assert results["secret key"].severity is severity


def test_full_disk_is_a_problem(data_dir: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(machine_checks, "has_disk_space", lambda: False)
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", machine_checks.EMBEDDED_ENGINE)
    results = {result.name: result for result in machine_checks.check_data_directory(data_dir)}
    assert results["disk"].severity is Severity.PROBLEM


@pytest.mark.parametrize(
    ("checked", "severity"),
    [
        (database_checks._check_version("14.2"), Severity.PROBLEM),
        (database_checks._check_version("18.1 (Debian)"), Severity.OK),
        (database_checks._check_encoding("SQL_ASCII"), Severity.PROBLEM),
        (database_checks._check_connections(20, 1), Severity.WARNING),
        (database_checks._check_connections(100, 95), Severity.WARNING),
        (database_checks._check_extensions(["plpgsql"]), Severity.PROBLEM),
        (database_checks._check_clock(-3600.0), Severity.WARNING),
        (database_checks._check_clock(0.2), Severity.OK),
    ],
)
def test_database_settings_are_judged(checked: Any, severity: Severity) -> None:
    assert checked.severity is severity
    assert bool(checked.remedy) is (severity is not Severity.OK)


def test_unreachable_address_is_a_warning() -> None:
    result = machine_checks.check_site_url("http://127.0.0.1:9/runglass/")
    assert result.severity is Severity.WARNING
    assert "http://127.0.0.1:9/runglass/healthz" in result.message
