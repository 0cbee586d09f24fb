"""Check the database server: its version, settings, extensions, clock and migrations."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.conf import settings
from django.db import connection

from dashboard.server.database import EMBEDDED_ENGINE, MIN_POSTGRES_VERSION
from dashboard.web.health_views import find_migration_problem
from runs.db.poolers import is_pooled
from runs.integrity.check_results import CheckResult, Severity

EXTENSIONS = ("pg_trgm",)
MAX_CLOCK_DIFFERENCE = 5.0  # seconds
# Two workers with a connection for each thread, and one each for lookups, health checks, maintenance and commands.
NEEDED_CONNECTIONS = 30
_SETTINGS = """
    SELECT current_setting('server_version'), current_setting('server_encoding'),
           current_setting('max_connections')::integer, (SELECT count(*) FROM pg_stat_activity),
           (SELECT rolsuper FROM pg_roles WHERE rolname = current_user), current_user,
           ARRAY(SELECT extname FROM pg_extension), pg_is_in_recovery(), extract(epoch FROM clock_timestamp())::float"""


def check_database() -> Iterator[CheckResult]:
    """Check the server. Raises Django's DatabaseError if it is not available."""
    connection.ensure_connection()
    is_embedded = settings.DATABASES["default"]["ENGINE"] == EMBEDDED_ENGINE
    started = time.time()
    with connection.cursor() as cursor:
        cursor.execute(_SETTINGS)
        version, encoding, max_connections, used, is_superuser, user, extensions, is_standby, now = cursor.fetchone()
    yield _check_version(version)
    yield _check_encoding(encoding)
    yield _check_connections(max_connections, used)
    yield _check_extensions(extensions)
    yield _check_clock(now - (started + time.time()) / 2)
    if is_superuser and not is_embedded:
        yield CheckResult(
            "role", Severity.WARNING, f"{user} is a superuser of the server",
            "Use a role that only owns the database: CREATE ROLE … LOGIN, ALTER DATABASE … OWNER TO …",
        )  # fmt: skip
    if is_standby:
        yield CheckResult("database", Severity.PROBLEM, "the server is a standby", "Connect to the primary server")
    yield CheckResult("connection", Severity.OK, "through a pooler" if is_pooled(connection) else "direct")
    yield _check_migrations()


def _check_version(version: str) -> CheckResult:
    major = int(version.split(".", maxsplit=1)[0])
    if major < MIN_POSTGRES_VERSION:
        remedy = f"Upgrade it to Postgres {MIN_POSTGRES_VERSION} or newer"
        return CheckResult("database", Severity.PROBLEM, f"the server is Postgres {version}", remedy)
    return CheckResult("database", Severity.OK, f"Postgres {version}")


def _check_encoding(encoding: str) -> CheckResult:
    if encoding != "UTF8":
        remedy = "Create a database with ENCODING 'UTF8' and copy the data with export_runs and import_runs"
        return CheckResult("encoding", Severity.PROBLEM, f"{encoding} cannot hold every text", remedy)
    return CheckResult("encoding", Severity.OK, encoding)


def _check_connections(max_connections: int, used: int) -> CheckResult:
    message = f"{used} of {max_connections} connections are used"
    if max_connections < NEEDED_CONNECTIONS:
        remedy = f"Set max_connections to at least {NEEDED_CONNECTIONS}, or put a pooler in front"
        return CheckResult("connections", Severity.WARNING, message, remedy)
    if used > max_connections * 0.9:
        remedy = "Raise max_connections, or find out who uses them: SELECT * FROM pg_stat_activity"
        return CheckResult("connections", Severity.WARNING, message, remedy)
    return CheckResult("connections", Severity.OK, message)


def _check_extensions(installed: list[str]) -> CheckResult:
    missing = [name for name in EXTENSIONS if name not in installed]
    if missing:
        remedy = f"As a superuser of the server: CREATE EXTENSION {missing[0]}"
        return CheckResult("extensions", Severity.PROBLEM, f"missing: {', '.join(missing)}", remedy)
    return CheckResult("extensions", Severity.OK, ", ".join(EXTENSIONS))


def _check_clock(difference: float) -> CheckResult:
    message = f"the clock of the database differs by {abs(difference):.1f} s"
    if abs(difference) > MAX_CLOCK_DIFFERENCE:
        return CheckResult("clock", Severity.WARNING, message, "Synchronize both machines with NTP")
    return CheckResult("clock", Severity.OK, message)


def _check_migrations() -> CheckResult:
    if problem := find_migration_problem():
        remedy = "Run `up` of this version, or the version that has migrated the database"
        return CheckResult("migrations", Severity.PROBLEM, problem, remedy)
    return CheckResult("migrations", Severity.OK, "all are applied")
