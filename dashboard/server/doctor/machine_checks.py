"""Check the settings, the data directory, the disk, the backups and the address of the site."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
from django.conf import settings

from dashboard.server.configuration_checks import find_configuration_problems
from dashboard.server.database import EMBEDDED_ENGINE
from runs.db.disk_space import has_disk_space
from runs.integrity.check_results import CheckResult, Severity
from runs.team.backup_status import fetch_backup_status

MIN_FREE_BYTES = 1024**3
MIN_FREE_FRACTION = 20  # a twentieth
REQUEST_TIMEOUT = 5.0  # seconds
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_configuration(host: str) -> Iterator[CheckResult]:
    """Check the settings of a site that listens on `host`."""
    problems = find_configuration_problems(host)
    for problem in problems:
        severity = Severity.PROBLEM if problem.is_error else Severity.WARNING
        yield CheckResult("configuration", severity, problem.message)
    if not problems:
        yield CheckResult("configuration", Severity.OK, "the settings fit together")


def check_data_directory(data_dir: Path) -> Iterator[CheckResult]:
    """Check who may enter the data directory and read the secret key, and the room on its volume."""
    yield _check_mode("data directory", data_dir, "700")
    if (data_dir / "secret_key").exists():
        yield _check_mode("secret key", data_dir / "secret_key", "600")
    if not os.access(data_dir, os.W_OK):
        yield CheckResult(
            "data directory", Severity.WARNING, f"this user cannot write {data_dir}",
            "Run doctor as the user that runs `up`",
        )  # fmt: skip
    yield _check_disk(data_dir)


def _check_mode(name: str, path: Path, mode: str) -> CheckResult:
    if path.stat().st_mode & _OTHERS:
        message = f"other users of this machine may read {path}"
        return CheckResult(name, Severity.PROBLEM, message, f"chmod {mode} {path}")
    return CheckResult(name, Severity.OK, f"only its user may read {path}")


def _check_disk(data_dir: Path) -> CheckResult:
    disk = shutil.disk_usage(data_dir)
    message = f"{disk.free / 1024**3:,.1f} of {disk.total / 1024**3:,.1f} GiB are free"
    remedy = "Make room, or enlarge the volume; posts are accepted again by themselves"
    is_embedded = settings.DATABASES["default"]["ENGINE"] == EMBEDDED_ENGINE
    if is_embedded and not has_disk_space():
        return CheckResult("disk", Severity.PROBLEM, f"{message}: posts are refused", remedy)
    if disk.free < min(MIN_FREE_BYTES, disk.total // MIN_FREE_FRACTION):
        return CheckResult("disk", Severity.WARNING, message, remedy)
    return CheckResult("disk", Severity.OK, message)


def check_backups() -> CheckResult:
    """Check the age of the last backup. Raises Django's DatabaseError."""
    status = fetch_backup_status()
    if status.warning:
        return CheckResult("backup", Severity.WARNING, status.warning, "See the log of the backup; run `backup`")
    if status.last_success is None:
        return CheckResult(
            "backup", Severity.WARNING, "there is no backup", "Set RUNGLASS_BACKUP_DIR, or run `backup` regularly"
        )
    return CheckResult("backup", Severity.OK, f"the last one is of {status.last_success.started_at:%Y-%m-%d %H:%M} UTC")


def check_site_url(url: str) -> CheckResult:
    """Check that the site answers at RUNGLASS_URL, through its proxy; "" if it is not set."""
    if not url:
        return CheckResult("address", Severity.OK, "not tested, since RUNGLASS_URL is not set")
    address = f"{url.rstrip('/')}/healthz"
    try:
        response = httpx.get(address, timeout=REQUEST_TIMEOUT, follow_redirects=False)
        is_ours = response.status_code == httpx.codes.OK and response.json().get("status") == "ok"
    except (httpx.HTTPError, ValueError, AttributeError) as error:
        return _unreachable(address, type(error).__name__)
    return (
        CheckResult("address", Severity.OK, f"{address} answers")
        if is_ours
        else _unreachable(address, f"status {response.status_code}")
    )


def _unreachable(address: str, reason: str) -> CheckResult:
    remedy = "Start `up`, and check the proxy, the certificate and the DNS name; from here they may differ"
    return CheckResult("address", Severity.WARNING, f"{address} does not answer as this site: {reason}", remedy)
