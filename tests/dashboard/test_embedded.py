"""The embedded database on real processes: each test has a data directory and servers of its own."""

from __future__ import annotations

import os
import pwd
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
from dashboard.server.postgres.binaries import PostgresBinaries
from dashboard.server.postgres.cluster import DATABASE_NAME
from dashboard.server.postgres.errors import DataDirectoryInUseError, DataDirectoryUnusableError, EmbeddedPostgresError
from dashboard.server.postgres.paths import SHARED_DIRECTORY, ClusterPaths, resolve_cluster_paths
from dashboard.server.postgres.postgres_settings import build_memory_settings
from dashboard.server.postgres.sessions import PostgresSession
from dashboard.server.postgres.stale_servers import clean_up_stale_server, is_postgres_process

ROOT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends its cluster to another user")

# A process that uses the database until its stdin is closed, and says where the server is.
USER = """
import sys
from pathlib import Path
from dashboard.server.postgres import cluster
from dashboard.server.postgres.sessions import session
cluster.by_memory = lambda _: {"shared_buffers": "16MB"}
print(session(Path(sys.argv[1])).parameters()["host"], flush=True)
sys.stdin.read()
"""


def query(session: PostgresSession, statement: str) -> list[tuple[object, ...]]:
    conninfo = psycopg.conninfo.make_conninfo(**session.parameters(), dbname=DATABASE_NAME)
    with psycopg.connect(conninfo) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def server_pid(place: ClusterPaths) -> int:
    return int((place.data / "postmaster.pid").read_text().split()[0])


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def _small_and_quick(monkeypatch) -> None:
    monkeypatch.setattr(cluster, "INITDB_OPTIONS", (*cluster.INITDB_OPTIONS, "--no-sync"))
    monkeypatch.setattr(cluster, "build_memory_settings", lambda _: {"shared_buffers": "16MB"})


@pytest.fixture
def empty_dir() -> Generator[Path]:
    """A data directory with a space in its name, which the user of root's server can enter."""
    directory = Path(tempfile.mkdtemp(prefix="runglass tests "))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def template() -> Generator[Path]:
    """A data directory with a new cluster, to be copied."""
    directory = Path(tempfile.mkdtemp(prefix="runglass tests "))
    directory.chmod(0o711)
    session = PostgresSession(directory)
    session.parameters()
    session.close(patient=True)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def data_dir(empty_dir: Path, template: Path) -> Path:
    """Like `empty_dir`, with a new cluster."""
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
        session.close(patient=False)


@pytest.fixture
def start_user() -> Generator[Callable[..., subprocess.Popen[str]]]:
    users: list[subprocess.Popen[str]] = []

    def start(directory: Path, *, python: str = sys.executable, **options: Any) -> subprocess.Popen[str]:
        user: subprocess.Popen[str] = subprocess.Popen(
            [python, "-c", USER, str(directory)],
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


def test_a_server_starts_keeps_its_data_and_leaves_nothing_running(data_dir, open_session) -> None:
    first = open_session(data_dir)
    query(first, "CREATE TABLE kept AS SELECT 1 AS n")
    place = resolve_cluster_paths(data_dir)
    pid = server_pid(place)
    first.close(patient=True)

    assert not is_postgres_process(pid, place.data)
    assert place.socket_directory() is None
    assert query(open_session(data_dir), "SELECT n FROM kept") == [(1,)]


def test_a_new_cluster_is_utf8_with_the_builtin_locale_and_no_tcp(empty_dir, open_session) -> None:
    session = open_session(empty_dir)

    assert query(
        session,
        "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding), "
        "current_setting('listen_addresses'), current_setting('jit') "
        "FROM pg_database WHERE datname = current_database()",
    ) == [("b", "C.UTF-8", "UTF8", "", "off")]
    assert resolve_cluster_paths(empty_dir).directory.name == "postgres-18"


def test_nobody_enters_without_the_password(data_dir, open_session) -> None:
    parameters = open_session(data_dir).parameters()

    assert resolve_cluster_paths(data_dir).password.stat().st_mode & 0o777 == 0o600
    assert Path(parameters["host"]).stat().st_mode & 0o777 == 0o700
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(psycopg.conninfo.make_conninfo(**{**parameters, "password": "guess"}, dbname=DATABASE_NAME))


def test_a_long_path_gets_a_short_private_socket_directory(empty_dir, open_session) -> None:
    session = open_session(empty_dir / ("long " * 20 + "path"))
    socket_directory = Path(session.parameters()["host"])

    assert query(session, "SELECT 1") == [(1,)]
    assert len(str(socket_directory)) < 80
    assert socket_directory.stat().st_mode & 0o777 == 0o700
    session.close(patient=True)
    assert not socket_directory.exists()


def test_a_killed_server_is_started_again_and_lost_nothing(data_dir, open_session) -> None:
    session = open_session(data_dir)
    query(session, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    killed = server_pid(resolve_cluster_paths(data_dir))
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: _runs_another(resolve_cluster_paths(data_dir), killed))

    assert query(session, "SELECT count(*) FROM kept") == [(1000,)]


def _runs_another(place: ClusterPaths, killed: int) -> bool:
    """Whether a server notes a pid of its own; in between there is no note, or an empty one."""
    try:
        return server_pid(place) != killed
    except (FileNotFoundError, ValueError, IndexError):
        return False


def test_a_killed_parent_takes_the_server_along_and_the_next_start_works(data_dir, open_session, start_user) -> None:
    user = start_user(data_dir)
    socket_of(user)
    place = resolve_cluster_paths(data_dir)
    pid = server_pid(place)
    user.kill()
    user.wait()

    assert query(open_session(data_dir), "SELECT 1") == [(1,)]  # at once: it waits for the old one to end
    assert not is_postgres_process(pid, place.data)


def test_a_pid_file_whose_pid_belongs_to_another_process_is_no_obstacle(data_dir, open_session) -> None:
    first = open_session(data_dir)
    query(first, "CREATE TABLE kept AS SELECT 1 AS n")
    place = resolve_cluster_paths(data_dir)
    note = (place.data / "postmaster.pid").read_text()
    first.close(patient=True)
    with subprocess.Popen(["sleep", "60"], user=place.account.uid if place.account.lent else None) as stranger:
        (place.data / "postmaster.pid").write_text(f"{stranger.pid}\n{note.split(chr(10), 1)[1]}")
        place.account.give(place.data / "postmaster.pid")

        assert query(open_session(data_dir), "SELECT n FROM kept") == [(1,)]
        assert stranger.poll() is None
        stranger.kill()


def test_a_server_that_lost_its_parent_is_stopped_before_the_next(data_dir, open_session) -> None:
    session = open_session(data_dir)
    session.parameters()
    place = resolve_cluster_paths(data_dir)
    pid = server_pid(place)
    session._server._stopping.set()  # what a killed parent can't do: look after it

    clean_up_stale_server(place.data)

    assert not is_postgres_process(pid, place.data)


def test_a_second_process_joins_the_server_of_the_first(data_dir, open_session, start_user) -> None:
    session = open_session(data_dir)
    host = session.parameters()["host"]

    assert socket_of(start_user(data_dir)) == host


def test_an_ending_owner_waits_for_its_guests(data_dir, start_user) -> None:
    owner = start_user(data_dir, stderr=subprocess.PIPE)
    socket_of(owner)
    guest = start_user(data_dir)
    socket_of(guest)
    owner.stdin.close()
    with owner.stderr as said:
        assert "waiting" in said.readline()
        assert is_postgres_process(server_pid(resolve_cluster_paths(data_dir)), resolve_cluster_paths(data_dir).data)
        guest.stdin.close()
        assert owner.wait(15) == 0


def test_a_guest_takes_over_when_the_owner_is_killed(data_dir, open_session, start_user) -> None:
    owner = start_user(data_dir)
    socket_of(owner)
    guest = open_session(data_dir)
    query(guest, "CREATE TABLE kept AS SELECT 1 AS n")
    owner.kill()
    owner.wait()

    assert query(guest, "SELECT n FROM kept") == [(1,)]


def test_who_must_own_the_server_is_refused_while_another_does(data_dir, monkeypatch, start_user) -> None:
    monkeypatch.setattr("dashboard.server.postgres.sessions.OWNER_LOCK_TIMEOUT", 0.1)
    user = start_user(data_dir)
    socket_of(user)

    with pytest.raises(DataDirectoryInUseError, match=f"used by process {user.pid}"):
        PostgresSession(data_dir).own()


def test_a_server_that_can_not_start_tells_why(data_dir, open_session) -> None:
    session = open_session(data_dir)
    session.parameters()
    session.close(patient=True)
    (resolve_cluster_paths(data_dir).data / "global" / "pg_control").write_bytes(b"broken")

    with pytest.raises(EmbeddedPostgresError, match=r"could not be started.*pg_control"):
        open_session(data_dir).parameters()


def test_data_of_another_major_version_is_not_silently_left_aside(empty_dir) -> None:
    (empty_dir / "postgres-17").mkdir()

    with pytest.raises(DataDirectoryUnusableError, match="postgres-17, which postgres-18 can't read"):
        resolve_cluster_paths(empty_dir)


def test_a_file_in_the_way_is_told_in_one_line(empty_dir) -> None:
    (empty_dir / "file").touch()

    with pytest.raises(DataDirectoryUnusableError, match="can't be used"):
        resolve_cluster_paths(empty_dir / "file" / "var")


@as_root
def test_root_below_a_private_home_keeps_the_data_elsewhere_and_modes_as_they_are(empty_dir, open_session) -> None:
    home = empty_dir / "home"
    home.mkdir(mode=0o700)
    var = home / "clone" / "var"
    session = open_session(var)
    place = resolve_cluster_paths(var)
    try:
        assert query(session, "SELECT 1") == [(1,)]
        assert place.directory.is_relative_to(SHARED_DIRECTORY)
        assert home.stat().st_mode & 0o777 == 0o700
        assert home.stat().st_uid == 0
        session.close(patient=True)
        session = open_session(var)
        assert session.parameters()["host"] == str(place.directory / "socket")  # found by its note
    finally:
        session.close(patient=False)
        shutil.rmtree(place.directory.parent)


def test_programs_out_of_reach_are_copied_to_where_the_server_can_run_them(
    empty_dir, monkeypatch, open_session
) -> None:
    monkeypatch.setattr(PostgresBinaries, "usable_by", lambda *_: False)
    monkeypatch.setattr(cluster, "SHARED_DIRECTORY", empty_dir / "shared")

    assert query(open_session(empty_dir), "SELECT similarity FROM (SELECT 1 AS similarity) AS t") == [(1,)]
    assert [path.name.split("-")[0] for path in (empty_dir / "shared").iterdir()] == ["binaries"]


@as_root
def test_an_ordinary_user_needs_no_privileges(empty_dir, start_user) -> None:
    nobody = pwd.getpwnam("nobody")
    own = empty_dir / "own"
    own.mkdir()
    os.chown(own, nobody.pw_uid, nobody.pw_gid)
    identity: dict[str, Any] = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    environment = {"HOME": str(own), "PYTHONPATH": str(Path(psycopg.__file__).parents[1])}
    python = python_for(identity, environment)

    user = start_user(own, python=python, env=environment, **identity)

    assert socket_of(user) == str(own / "postgres-18" / "socket")
    assert (own / "postgres-18" / "data").stat().st_uid == nobody.pw_uid


def python_for(identity: dict[str, Any], environment: dict[str, str]) -> str:
    """A Python that this user can run with our packages: this one, unless it lies in root's home."""
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
    pytest.skip("this user can run no suitable Python")


@pytest.mark.parametrize(
    ("gigabytes", "buffers"), [(0.0625, "32MB"), (4, "1024MB"), (64, "2048MB")]
)  # fmt: skip
def test_shared_buffers_are_a_quarter_of_the_memory_within_limits(gigabytes: float, buffers: str) -> None:
    assert build_memory_settings(int(gigabytes * 2**30))["shared_buffers"] == buffers
