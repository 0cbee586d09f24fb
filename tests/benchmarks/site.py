"""A site for a benchmark, with a temporary data directory, production settings and two workers."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

MAX_START_SECONDS = 30.0  # seconds
BATCH_SIZE = 500  # objects per request
ROOT = Path(__file__).resolve().parents[2]
SETTINGS = "tests.benchmarks.settings"
PLAIN_SITE = ("tests.benchmarks.plain.settings", "tests.benchmarks.plain.wsgi:application")


class Site:
    """A running site, and one connection to it."""

    def __init__(self, url: str, key: str) -> None:
        self.key = key
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)

    def post(self, path: str, body: bytes) -> None:
        """Post `body`.

        Raises:
            RuntimeError: the status is not 2xx.
        """
        self._connection.request("POST", path, body, self._headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{path} answered {response.status}: {content[:500]!r}")

    def post_all(self, path: str, bodies: Iterable[bytes]) -> None:
        """Post each of `bodies`. Raises RuntimeError as `post` does."""
        for body in bodies:
            self.post(path, body)

    def get(self, path: str) -> bytes:
        """Return the content at `path`.

        Raises:
            RuntimeError: the status is not 200.
        """
        self._connection.request("GET", path, headers=self._headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.status != http.client.OK:
            raise RuntimeError(f"{path} answered {response.status}: {content[:500]!r}")
        return content


@contextmanager
def run_site() -> Iterator[Site]:
    """Run a site in a temporary data directory. This process uses its database as well."""
    with tempfile.TemporaryDirectory(prefix="runglass-benchmark-") as directory:
        os.environ |= {"RUNGLASS_DATA_DIR": directory, "DJANGO_SETTINGS_MODULE": SETTINGS}
        command = [sys.executable, "manage.py", "up", "--port", "0"]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield Site(*_read_credentials(process))
            finally:
                process.send_signal(signal.SIGINT)
                process.wait()


@contextmanager
def run_plain_site(site: Site) -> Iterator[Site]:
    """Serve the baseline from the database of `site`, with the same web server and as many workers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings, application = PLAIN_SITE
    server = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "2", "--no-access-log"]
    command = [*server, "--host", "127.0.0.1", "--port", str(port), application]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": settings}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for_port(port)
            yield Site(f"http://127.0.0.1:{port}/", site.key)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def _wait_for_port(port: int) -> None:
    """Wait until a server listens on `port`.

    Raises:
        RuntimeError: no server listens after `MAX_START_SECONDS`.
    """
    deadline = time.monotonic() + MAX_START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError("the plain site did not start")


def _read_credentials(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return the URL and the API key that the first start prints."""
    assert process.stdout is not None
    key = ""
    for line in process.stdout:
        if match := re.search(r"rg_[\w-]+", line):
            key = match[0]
        if match := re.search(r"ready at (\S+)", line):
            return match[1], key
    raise RuntimeError("the site did not start")


def measure_speed(count: int, work: Callable[[], None]) -> float:
    """Return the number of objects per second, if `work` handles `count`."""
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def build_batches(objects: list[bytes]) -> list[bytes]:
    """Return JSON arrays of up to `BATCH_SIZE` of the JSON texts."""
    return [join_json_array(objects[start : start + BATCH_SIZE]) for start in range(0, len(objects), BATCH_SIZE)]


def join_json_array(objects: list[bytes]) -> bytes:
    """Return a JSON array of JSON texts."""
    return b"[" + b",".join(objects) + b"]"


def encode_json(value: object) -> bytes:
    """Return `value` as JSON."""
    return json.dumps(value).encode()
