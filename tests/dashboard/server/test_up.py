"""Tests of `manage.py up` as a process: its output, its HTTP responses, and what it leaves behind."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import pytest
from django.conf import settings

from dashboard.server.bootstrap import create_initial_credentials
from dashboard.server.listen_address import ListenAddress, ListenAddressError, bind_address
from runs.models import ApiKey, Membership, Project, User

ROOT = Path(__file__).resolve().parents[3]
MANAGE = (sys.executable, "manage.py")
READY = re.compile(r"^Runglass is ready at https?://127\.0\.0\.1:(\d+)/")


class Up:
    """A running `manage.py up` that has printed that it is ready."""

    def __init__(
        self, data_dir: Path, *arguments: str, program: Sequence[str] = MANAGE, cwd: Path = ROOT, **environment: str
    ) -> None:
        self.process = subprocess.Popen(
            [*program, "up", "--port", "0", *arguments],
            cwd=cwd, env=environment_for(data_dir, **environment), stdout=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        self.data_dir = data_dir
        self.environment = environment
        self.output: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line.rstrip("\n"))
            if match := READY.match(self.output[-1]):
                self.port = int(match[1])
                self.started = descendants(self.process.pid)
                return
        pytest.fail(f"up ended with {self.process.wait()}: {self.output}")

    def get(self, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        return self.request("GET", path, **headers)

    def request(
        self, method: str, path: str, body: str | None = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers=headers)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def press_ctrl_c(self) -> int:
        """Send SIGINT to the whole process group, as a terminal does."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.stop(signal.SIGINT)

    def stop(self, signum: int) -> int:
        self.process.send_signal(signum)
        code = self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def remaining_processes(self) -> list[int]:
        return [pid for pid in self.started if alive(pid)]


def environment_for(data_dir: Path, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "RUNGLASS_DEBUG")}
    return {**inherited, "RUNGLASS_DATA_DIR": str(data_dir), **more}


def alive(pid: int) -> bool:
    """Return whether a process runs. A zombie does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def descendants(pid: int) -> list[int]:
    processes = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(child): int(parent) for child, parent in map(str.split, processes.splitlines())}
    children = [child for child, parent in parents.items() if parent == pid]
    return children + [descendant for child in children for descendant in descendants(child)]


def run_failing(data_dir: Path, *arguments: str, **environment: str) -> str:
    """Return the error of an `up` that fails: exit code 1 and one line on stderr."""
    done = subprocess.run(
        [sys.executable, "manage.py", "up", *arguments],
        cwd=ROOT, env=environment_for(data_dir, **environment), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "Runglass is ready" not in done.stdout
    return done.stderr.strip()


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timeout"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def installed() -> Generator[tuple[Path, list[str]]]:
    """A data directory, below one that only its owner may enter, on which `up` ran once, and its output."""
    private = Path(tempfile.mkdtemp(prefix="runglass-up-"))
    data_dir = private / "var"
    try:
        first = Up(data_dir)
        assert first.press_ctrl_c() == 0
        wait_until(lambda: not first.remaining_processes())
        subprocess.run(["cp", "-a", data_dir, _resting_copy(data_dir)], check=True)
        yield data_dir, first.output
    finally:
        shutil.rmtree(private)


def _resting_copy(data_dir: Path) -> Path:
    """Return the path of a copy on which no server runs: the files of a running one change."""
    return data_dir.with_name(f"{data_dir.name}-resting-copy")


@pytest.fixture(scope="module")
def up(installed) -> Generator[Up]:
    """A second `up`, for tests that do not disturb it."""
    running = Up(installed[0])
    yield running
    running.stop(signal.SIGINT)


@pytest.fixture
def disposable_up(installed) -> Generator[Up]:
    """Another `up` on a copy of the data, for tests that stop it."""
    with tempfile.TemporaryDirectory(prefix="runglass-up-") as name:
        subprocess.run(["cp", "-a", *_resting_copy(installed[0]).iterdir(), name], check=True)
        running = Up(Path(name))
        yield running
        if running.process.poll() is None:
            running.stop(signal.SIGKILL)
        wait_until(lambda: not running.remaining_processes())


def test_first_start_prints_credentials_once(installed) -> None:
    _, output = installed

    assert [line.split()[1] for line in output if line.startswith(("Project", "User"))] == ["default", "admin"]
    assert len([line for line in output if re.fullmatch(r"Password +\S{20,}", line)]) == 1
    assert len([line for line in output if re.fullmatch(r"API key +rg_\S{40,}", line)]) == 1
    assert READY.match(output[-1])


def test_second_start_prints_no_secrets(up) -> None:
    assert len(up.output) == 1
    response, body = up.get("/readyz")
    assert (response.status, json.loads(body)) == (200, {"status": "ready"})


def test_nothing_runs_as_root(up, installed) -> None:
    uids = {Path(f"/proc/{pid}").stat().st_uid for pid in (up.process.pid, *descendants(up.process.pid))}

    assert uids == {installed[0].stat().st_uid}
    assert 0 not in uids or os.geteuid() != 0
    assert {path.stat().st_uid for path in installed[0].iterdir()} == uids


def test_other_command_joins_its_database(up, installed) -> None:
    code = "from runs.models import Project, User; print(Project.objects.get(), User.objects.get())"
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
        cwd=ROOT, env=environment_for(installed[0]), capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout.split() == ["default", "admin"]


def test_dbshell_uses_the_embedded_database(up, installed) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "dbshell", "--", "-Atc", "SELECT slug FROM project"],
        cwd=ROOT, env=environment_for(installed[0]), capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout.strip() == "default"


def test_second_up_on_same_directory_is_rejected(up, installed) -> None:
    assert "is in use" in run_failing(installed[0], "--port", "0")


def test_sigterm_stops_all_child_processes(disposable_up) -> None:
    assert len(disposable_up.started) >= 3
    assert disposable_up.stop(signal.SIGTERM) == 0
    wait_until(lambda: not disposable_up.remaining_processes())


def test_killed_children_are_replaced(disposable_up) -> None:
    for pid in disposable_up.started:
        with contextlib.suppress(ProcessLookupError):  # some end by themselves when others do
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not disposable_up.remaining_processes())
    wait_until(lambda: _status(disposable_up, "/readyz") == 200)

    disposable_up.started = descendants(disposable_up.process.pid)
    disposable_up.stop(signal.SIGKILL)
    wait_until(lambda: not disposable_up.remaining_processes())


def _status(up: Up, path: str) -> int:
    try:
        return up.get(path)[0].status
    except OSError:
        return 0


def test_broken_database_ends_with_its_reason(disposable_up) -> None:
    data = Path(disposable_up.data_dir) / "postgres-18" / "data"
    postmaster = int((data / "postmaster.pid").read_text().split()[0])
    (data / "global" / "pg_control").write_bytes(b"broken")
    os.kill(postmaster, signal.SIGKILL)

    with disposable_up.process.stdout:
        assert disposable_up.process.wait(30) == 1
    wait_until(lambda: not disposable_up.remaining_processes())
    assert "pg_control" in run_failing(disposable_up.data_dir, "--port", "0")


def test_static_files_are_compressed_and_immutable(up, installed) -> None:
    manifest = json.loads((installed[0] / "static" / "staticfiles.json").read_text())
    name = manifest["paths"]["django_htmx/django-htmx.js"]
    response, _ = up.get(f"/static/{name}", **{"Accept-Encoding": "br"})

    assert response.status == 200
    assert response.getheader("Content-Encoding") == "br"
    assert "immutable" in (response.getheader("Cache-Control") or "")


def test_port_in_use_is_rejected(installed) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"Cannot listen on 127.0.0.1:{port}" in run_failing(installed[0], "--port", port)


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"DATABASE_URL": "postgresql://ann:secret@127.0.0.1:1/runs"}, "refused"),
        ({"DATABASE_URL": "mysql://ann:secret@127.0.0.1:1/runs"}, "is not a Postgres URL"),
        ({"RUNGLASS_DATA_DIR": "/dev/null/var"}, "RUNGLASS_DATA_DIR"),
        ({"RUNGLASS_DEBUG": "perhaps"}, "RUNGLASS_DEBUG"),
    ],
)
def test_invalid_environment_is_reported_in_one_line(installed, environment, reason) -> None:
    error = run_failing(installed[0].with_name("other"), "--port", "0", **environment)

    assert reason in error
    assert "secret" not in error


@pytest.mark.django_db
def test_initial_credentials_are_created_once() -> None:
    credentials = create_initial_credentials()

    assert credentials is not None
    assert User.objects.get().check_password(credentials.password)
    assert User.objects.get().is_superuser
    assert Membership.objects.get().role == Membership.Role.ADMIN
    assert ApiKey.objects.get().scopes == ["ingest", "read"]
    assert credentials.api_key.startswith(ApiKey.objects.get().prefix)
    assert create_initial_credentials() is None


@pytest.mark.django_db
def test_database_with_a_project_gets_no_credentials() -> None:
    Project.objects.create(slug="other", name="Other")

    assert create_initial_credentials() is None


def test_url_contains_the_requested_host() -> None:
    assert bind_address("localhost", 0).url.startswith("http://localhost:")
    assert ListenAddress("::1", "::1", 80).url == "http://[::1]:80/"


def test_listen_host_is_allowed_unless_wildcard() -> None:
    assert ListenAddress("10.0.0.5", "10.0.0.5", 80).allowed_hosts(["localhost"]) == ["localhost", "10.0.0.5"]
    assert ListenAddress("0.0.0.0", "0.0.0.0", 80).allowed_hosts(["localhost"]) == ["localhost"]
    assert ListenAddress("127.0.0.1", "127.0.0.1", 80).allowed_hosts(settings.ALLOWED_HOSTS) == settings.ALLOWED_HOSTS


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("203.0.113.7", 0)])
def test_impossible_address_is_rejected(host, port) -> None:
    with pytest.raises(ListenAddressError, match="Cannot listen"):
        bind_address(host, port)
