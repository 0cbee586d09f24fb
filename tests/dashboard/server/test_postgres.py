"""Tests of the embedded database with real processes. Each test has its own data directory and servers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dashboard.server.postgres import cluster
from dashboard.server.postgres.cluster import DATABASE_NAME
from dashboard.server.postgres.errors import DataDirectoryInUseError, DataDirectoryUnusableError, EmbeddedPostgresError
from dashboard.server.postgres.paths import ClusterPaths, resolve_cluster_paths
from dashboard.server.postgres.postgres_settings import build_memory_settings, build_wal_settings
from dashboard.server.postgres.server_log import find_failure_reason
from dashboard.server.postgres.sessions import PostgresSession
from dashboard.server.postgres.stale_servers import clean_up_stale_server, is_postgres_process

ROOT = Path(__file__).resolve().parents[3]
requires_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")

# A process that prints where the server is, and uses the database until its stdin is closed.
USER_SCRIPT = """
import sys
from pathlib import Path
from dashboard.server.postgres import cluster
from dashboard.server.postgres.sessions import get_postgres_session
cluster.build_memory_settings = lambda _: {"shared_buffers": "16MB"}
print(get_postgres_session(Path(sys.argv[1])).connection_params()["host"], flush=True)
sys.stdin.read()
"""


def query(session: PostgresSession, statement: str) -> list[tuple[object, ...]]:
    conninfo = psycopg.conninfo.make_conninfo(**session.connection_params(), dbname=DATABASE_NAME)
    with psycopg.connect(conninfo) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def server_pid(paths: ClusterPaths) -> int:
    return int((paths.data / "postmaster.pid").read_text().split()[0])


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timeout"
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def small_and_fast_cluster(monkeypatch) -> None:
    monkeypatch.setattr(cluster, "INITDB_OPTIONS", (*cluster.INITDB_OPTIONS, "--no-sync"))
    monkeypatch.setattr(cluster, "build_memory_settings", lambda _: {"shared_buffers": "16MB"})


@pytest.fixture
def empty_dir() -> Generator[Path]:
    """An empty data directory with a space in its name, which the user that runs the server can enter."""
    directory = Path(tempfile.mkdtemp(prefix="runglass tests "))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def template() -> Generator[Path]:
    """A data directory with a new cluster, for copying."""
    directory = Path(tempfile.mkdtemp(prefix="runglass tests "))
    session = PostgresSession(directory)
    session.connection_params()
    session.close(wait_for_guests=True)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def data_dir(empty_dir: Path, template: Path) -> Path:
    """A copy of the data directory with a new cluster."""
    subprocess.run(["cp", "-a", *template.iterdir(), empty_dir], check=True)
    return empty_dir


@pytest.fixture
def open_session() -> Generator[Callable[[Path], PostgresSession]]:
    sessions: list[PostgresSession] = []

    def make(directory: Path) -> PostgresSession:
        sessions.append(PostgresSession(directory))
        return sessions[-1]

    yield make
    for session in reversed(sessions):
        session.close(wait_for_guests=False)


@pytest.fixture
def start_user() -> Generator[Callable[..., subprocess.Popen[str]]]:
    users: list[subprocess.Popen[str]] = []

    def start(directory: Path, *, python: str = sys.executable, **options: Any) -> subprocess.Popen[str]:
        user: subprocess.Popen[str] = subprocess.Popen(
            [python, "-c", USER_SCRIPT, str(directory)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options,
        )  # fmt: skip
        users.append(user)
        return user

    yield start
    for user in users:
        if user.stdin and not user.stdin.closed:
            user.stdin.close()
        user.wait(30)
        if user.stdout:
            user.stdout.close()


def socket_of(user: subprocess.Popen[str]) -> str:
    assert user.stdout is not None
    return user.stdout.readline().strip()


def test_data_survives_a_restart(data_dir, open_session) -> None:
    first = open_session(data_dir)
    query(first, "CREATE TABLE kept AS SELECT 1 AS n")
    paths = resolve_cluster_paths(data_dir)
    pid = server_pid(paths)
    first.close(wait_for_guests=True)

    assert not is_postgres_process(pid, paths.data)
    assert paths.read_socket_directory() is None
    assert query(open_session(data_dir), "SELECT n FROM kept") == [(1,)]


def test_new_cluster_is_utf8_without_tcp(empty_dir, open_session) -> None:
    session = open_session(empty_dir)

    assert query(
        session,
        "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding), "
        "current_setting('listen_addresses'), current_setting('jit') "
        "FROM pg_database WHERE datname = current_database()",
    ) == [("b", "C.UTF-8", "UTF8", "", "off")]
    assert resolve_cluster_paths(empty_dir).directory.name == "postgres-18"


def test_wrong_password_is_rejected(data_dir, open_session) -> None:
    parameters = open_session(data_dir).connection_params()

    assert resolve_cluster_paths(data_dir).site_password.stat().st_mode & 0o777 == 0o600
    assert Path(parameters["host"]).stat().st_mode & 0o777 == 0o700
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(psycopg.conninfo.make_conninfo(**{**parameters, "password": "guess"}, dbname=DATABASE_NAME))


def test_long_path_gets_short_private_socket_directory(empty_dir, open_session) -> None:
    session = open_session(empty_dir / ("long " * 20 + "path"))
    socket_directory = Path(session.connection_params()["host"])

    assert query(session, "SELECT 1") == [(1,)]
    assert len(str(socket_directory)) < 80
    assert socket_directory.stat().st_mode & 0o777 == 0o700
    session.close(wait_for_guests=True)
    assert not socket_directory.exists()


def test_killed_server_is_restarted_without_data_loss(data_dir, open_session) -> None:
    session = open_session(data_dir)
    query(session, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    killed = server_pid(resolve_cluster_paths(data_dir))
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: _runs_another(resolve_cluster_paths(data_dir), killed))

    assert query(session, "SELECT count(*) FROM kept") == [(1000,)]


def _runs_another(paths: ClusterPaths, killed: int) -> bool:
    """Return whether another server has written its pid. Until then, the file is missing or empty."""
    try:
        return server_pid(paths) != killed
    except (FileNotFoundError, ValueError, IndexError):
        return False


def test_server_dies_with_its_killed_parent(data_dir, open_session, start_user) -> None:
    user = start_user(data_dir)
    socket_of(user)
    paths = resolve_cluster_paths(data_dir)
    pid = server_pid(paths)
    user.kill()
    user.wait()

    assert query(open_session(data_dir), "SELECT 1") == [(1,)]  # it waits for the old server to end
    assert not is_postgres_process(pid, paths.data)


def test_hung_backend_of_a_killed_server_is_ended(data_dir, open_session) -> None:
    session = open_session(data_dir)
    conninfo = psycopg.conninfo.make_conninfo(**session.connection_params(), dbname=DATABASE_NAME)
    with psycopg.connect(conninfo) as connection:
        hung = connection.info.backend_pid
        os.kill(hung, signal.SIGSTOP)
        killed = server_pid(resolve_cluster_paths(data_dir))
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: _runs_another(resolve_cluster_paths(data_dir), killed))

    assert query(session, "SELECT 1") == [(1,)]
    assert not Path(f"/proc/{hung}/exe").exists()


def test_reused_pid_in_lock_file_is_harmless(data_dir, open_session) -> None:
    first = open_session(data_dir)
    query(first, "CREATE TABLE kept AS SELECT 1 AS n")
    paths = resolve_cluster_paths(data_dir)
    lock_file = (paths.data / "postmaster.pid").read_text()
    first.close(wait_for_guests=True)
    with subprocess.Popen(["sleep", "60"], user=paths.os_user.uid if paths.os_user.is_other else None) as stranger:
        (paths.data / "postmaster.pid").write_text(f"{stranger.pid}\n{lock_file.split(chr(10), 1)[1]}")
        paths.os_user.take_ownership(paths.data / "postmaster.pid")

        assert query(open_session(data_dir), "SELECT n FROM kept") == [(1,)]
        assert stranger.poll() is None
        stranger.kill()


def test_orphaned_server_is_stopped_before_the_next(data_dir, open_session) -> None:
    session = open_session(data_dir)
    session.connection_params()
    paths = resolve_cluster_paths(data_dir)
    pid = server_pid(paths)
    session._server._stopping.set()  # as if the parent had been killed: do not restart it

    clean_up_stale_server(paths.data)

    assert not is_postgres_process(pid, paths.data)


def test_second_process_joins_the_running_server(data_dir, open_session, start_user) -> None:
    session = open_session(data_dir)
    host = session.connection_params()["host"]

    assert socket_of(start_user(data_dir)) == host


def test_ending_owner_waits_for_its_guests(data_dir, start_user) -> None:
    owner = start_user(data_dir, stderr=subprocess.PIPE)
    socket_of(owner)
    guest = start_user(data_dir)
    socket_of(guest)
    owner.stdin.close()
    with owner.stderr as stderr:
        assert "waiting" in stderr.readline()
        assert is_postgres_process(server_pid(resolve_cluster_paths(data_dir)), resolve_cluster_paths(data_dir).data)
        guest.stdin.close()
        assert owner.wait(15) == 0


def test_guest_takes_over_from_a_killed_owner(data_dir, open_session, start_user) -> None:
    owner = start_user(data_dir)
    socket_of(owner)
    guest = open_session(data_dir)
    query(guest, "CREATE TABLE kept AS SELECT 1 AS n")
    owner.kill()
    owner.wait()

    assert query(guest, "SELECT n FROM kept") == [(1,)]


def test_owning_fails_while_another_process_owns(data_dir, monkeypatch, start_user) -> None:
    monkeypatch.setattr("dashboard.server.postgres.sessions.OWNER_LOCK_TIMEOUT", 0.1)
    user = start_user(data_dir)
    socket_of(user)

    with pytest.raises(DataDirectoryInUseError, match=f"in use by process {user.pid}"):
        PostgresSession(data_dir).own()


def _break_control_file(data: Path) -> None:
    (data / "global" / "pg_control").write_bytes(b"broken")


def _write_other_version(data: Path) -> None:
    (data / "PG_VERSION").write_text("17\n")


def _break_configuration(data: Path) -> None:
    (data / "postgresql.auto.conf").write_text("nonsense = on\n")


def _replace_log_by_directory(data: Path) -> None:
    shutil.rmtree(data / "pg_wal")
    (data / "pg_wal").touch()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_break_control_file, "could not read file .*pg_control"),
        (_write_other_version, "initialized by PostgreSQL version 17"),
        (_break_configuration, "configuration file .* contains errors"),
        (_replace_log_by_directory, "pg_wal"),
    ],
)
def test_failed_start_reports_the_reason(data_dir, open_session, damage, reason) -> None:
    damage(resolve_cluster_paths(data_dir).data)

    with pytest.raises(EmbeddedPostgresError, match=f"Cannot start the database server: .*{reason}"):
        open_session(data_dir).connection_params()


def test_data_of_another_major_version_is_rejected(empty_dir) -> None:
    (empty_dir / "postgres-17").mkdir()

    with pytest.raises(DataDirectoryUnusableError, match="postgres-17, which postgres-18 can't read"):
        resolve_cluster_paths(empty_dir)


def test_file_in_place_of_directory_is_reported(empty_dir) -> None:
    (empty_dir / "file").touch()

    with pytest.raises(DataDirectoryUnusableError, match="Cannot use the data directory"):
        resolve_cluster_paths(empty_dir / "file" / "var")


@requires_root
def test_private_home_of_root_contains_everything(empty_dir, open_session) -> None:
    home = empty_dir / "home"
    home.mkdir(mode=0o700)
    var = home / "clone" / "var"

    assert query(open_session(var), "SELECT 1") == [(1,)]
    assert (var / "postgres-18" / "data" / "PG_VERSION").exists()
    assert {path.stat().st_uid for path in var.rglob("*")} == {var.stat().st_uid}
    assert (var.stat().st_mode & 0o777, var.stat().st_uid == 0) == (0o700, False)
    assert (home.stat().st_mode & 0o707, home.stat().st_uid) == (0o700, 0)


@pytest.fixture(params=["same file system", "other file system"])
def relocated(request, data_dir) -> Generator[tuple[Path, Path]]:
    """A data directory whose cluster an earlier version kept elsewhere, and where that is."""
    parent = tempfile.gettempdir() if request.param == "same file system" else "/dev/shm"
    if not os.access(parent, os.W_OK):
        pytest.skip(f"{parent} can't be written")
    elsewhere = Path(tempfile.mkdtemp(prefix="runglass-relocated-", dir=parent)) / "postgres-18"
    shutil.copytree(data_dir / "postgres-18", elsewhere, symlinks=True)
    shutil.rmtree(data_dir / "postgres-18")
    (data_dir / "postgres-18").mkdir()
    (data_dir / "postgres-18" / "location").write_text(str(elsewhere))
    yield data_dir, elsewhere
    shutil.rmtree(elsewhere.parent)


def test_relocated_cluster_is_brought_back(relocated, open_session, caplog) -> None:
    data_dir, elsewhere = relocated
    before = sorted(path.relative_to(elsewhere) for path in (elsewhere / "data" / "base").rglob("*"))

    paths = resolve_cluster_paths(data_dir)

    assert sorted(path.relative_to(paths.directory) for path in (paths.data / "base").rglob("*")) == before
    assert not elsewhere.exists()
    assert f"Moved the database from {elsewhere}" in caplog.text
    assert query(open_session(data_dir), "SELECT 1") == [(1,)]


def test_interrupted_move_is_continued(relocated, open_session) -> None:
    data_dir, elsewhere = relocated
    (data_dir / "postgres-18" / "data.moved").mkdir()  # part of a copy
    (data_dir / "postgres-18" / "data.moved" / "base").touch()

    assert query(open_session(data_dir), "SELECT 1") == [(1,)]
    assert not elsewhere.exists()


def test_lost_relocated_cluster_is_named(data_dir) -> None:
    shutil.rmtree(data_dir / "postgres-18" / "data")
    (data_dir / "postgres-18" / "location").write_text("/nonexistent/postgres-18")

    with pytest.raises(DataDirectoryUnusableError, match="was kept in /nonexistent/postgres-18, which does not exist"):
        resolve_cluster_paths(data_dir)


def test_site_is_no_superuser(data_dir, open_session) -> None:
    session = open_session(data_dir)

    assert query(session, "SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user") == [
        (False, False)
    ]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        query(session, "COPY pg_class TO PROGRAM 'cat'")


def test_database_of_superuser_is_handed_over(data_dir, open_session) -> None:
    first = open_session(data_dir)
    first.connection_params()
    with first._server.connect_as_superuser("postgres") as superuser:
        superuser.execute("DROP DATABASE runglass")
        superuser.execute("DROP ROLE runglass_site")
        superuser.execute("CREATE DATABASE runglass")
    with first._server.connect_as_superuser("runglass") as superuser:
        superuser.execute("CREATE EXTENSION pg_trgm")
        superuser.execute("CREATE TABLE kept (id bigint GENERATED ALWAYS AS IDENTITY, serial serial, text text)")
        superuser.execute(
            "CREATE VIEW seen AS SELECT * FROM kept; CREATE SEQUENCE alone; INSERT INTO kept (text) VALUES ('a')"
        )
        superuser.execute("CREATE STATISTICS pairs ON id, text FROM kept")
        superuser.execute("CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    first.close(wait_for_guests=True)

    second = open_session(data_dir)
    query(
        second,
        "ALTER TABLE kept ADD COLUMN more text; ALTER SEQUENCE alone RESTART; DROP STATISTICS pairs; DROP VIEW seen",
    )
    query(second, "DROP FUNCTION one(); INSERT INTO kept (text) VALUES ('b')")
    assert query(second, "SELECT count(*), similarity('a', 'a') FROM kept") == [(2, 1.0)]


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_widened_modes_are_put_right(data_dir, open_session, mode) -> None:
    paths = resolve_cluster_paths(data_dir)
    for directory in (data_dir, paths.directory, paths.data):
        directory.chmod(mode)

    assert query(open_session(data_dir), "SELECT 1") == [(1,)]
    assert {directory.stat().st_mode & 0o777 for directory in (data_dir, paths.directory, paths.data)} == {0o700}


@requires_root
@pytest.mark.parametrize("uid", [65534, pytest.param(4_000_003, id="without a name")])
def test_ordinary_user_needs_no_privileges(empty_dir, start_user, uid) -> None:
    empty_dir.chmod(0o711)
    own = empty_dir / "own"
    own.mkdir()
    os.chown(own, uid, 0)
    identity: dict[str, Any] = {"user": uid, "group": 0, "extra_groups": []}
    environment = {"HOME": str(own), "PYTHONPATH": str(Path(psycopg.__file__).parents[1])}
    python = python_for(identity, environment)

    user = start_user(own, python=python, env=environment, **identity)

    assert socket_of(user) == str(own / "postgres-18" / "socket")
    assert (own / "postgres-18" / "data").stat().st_uid == uid


def python_for(identity: dict[str, Any], environment: dict[str, str]) -> str:
    """Return a Python that the user can run with our packages: this one, unless root's home directory contains it."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            subprocess.run(
                [python, "-c", "import psycopg"],
                env=environment,
                cwd="/",
                check=True,
                capture_output=True,
                **identity,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    pytest.skip("there is no suitable Python that this user can run")


@pytest.mark.parametrize(
    ("gigabytes", "buffers"), [(0.0625, "32MB"), (4, "1024MB"), (64, "2048MB")]
)  # fmt: skip
def test_shared_buffers_are_a_quarter_of_memory(gigabytes: float, buffers: str) -> None:
    assert build_memory_settings(int(gigabytes * 2**30))["shared_buffers"] == buffers


@pytest.mark.parametrize(
    ("total", "free", "size"),
    [(500, 500, "4096MB"), (500, 2, "512MB"), (2, 2, "204MB"), (0.1, 0.05, "64MB")],
)
def test_write_ahead_log_fits_its_volume(total: float, free: float, size: str) -> None:
    assert build_wal_settings(int(total * 2**30), int(free * 2**30))["max_wal_size"] == size


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (
            (
                "2026-11-30 20:00:00 UTC [1] PANIC:  could not write to file: No space left on device\n"
                "2026-11-30 20:00:00 UTC [1] LOG:  startup process (PID 5) was terminated by signal 6: Aborted\n"
                "2026-11-30 20:00:00 UTC [2] FATAL:  the database system is starting up\n"
                "2026-11-30 20:00:00 UTC [1] LOG:  database system is shut down\n"
            ),
            "could not write to file: No space left on device",
        ),
        (
            "FATAL:  data directory has wrong ownership\nHINT:  Change it.",
            "data directory has wrong ownership. Change it",
        ),
        ("initdb: error: could not create directory\ninitdb: removing contents", "could not create directory"),
        ("postgres: not found", "postgres: not found"),
    ],
)
def test_reason_is_the_last_fatal_error(log: str, reason: str) -> None:
    assert find_failure_reason(log) == reason
