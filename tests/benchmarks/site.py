"""A site of its own for a benchmark: a throw-away data directory, production settings, two workers."""

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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

LONGEST_START = 30.0  # seconds
ROOT = Path(__file__).resolve().parents[2]
SETTINGS = "tests.benchmarks.settings"
PLAIN = ("tests.benchmarks.plain.settings", "tests.benchmarks.plain.wsgi:application")


class Site:
    """A running server, and one connection to it."""

    def __init__(self, url: str, key: str) -> None:
        self.key = key
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)

    def post(self, path: str, body: bytes) -> None:
        """Post `body` and insist on a 2xx answer."""
        self._connection.request("POST", path, body, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path} answered {answer.status}: {content[:500]!r}")

    def get(self, path: str) -> bytes:
        """The content at `path`."""
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path} answered {answer.status}: {content[:500]!r}")
        return content


@contextmanager
def site() -> Iterator[Site]:
    """Start a site in a new data directory; this process joins its database. Both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="runglass-benchmark-") as directory:
        os.environ |= {"RUNGLASS_DATA_DIR": directory, "DJANGO_SETTINGS_MODULE": SETTINGS}
        command = [sys.executable, "manage.py", "up", "--port", "0"]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield Site(*_announced(process))
            finally:
                process.send_signal(signal.SIGINT)
                process.wait()


@contextmanager
def plain_site(beside: Site) -> Iterator[Site]:
    """Serve the baseline from the database of a site, by the same server as it comes, with as many workers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings, application = PLAIN
    server = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "2", "--no-access-log"]
    command = [*server, "--host", "127.0.0.1", "--port", str(port), application]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": settings}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield Site(f"http://127.0.0.1:{port}/", beside.key)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def _wait_for(port: int) -> None:
    """Until somebody listens there. Raises RuntimeError after a while."""
    deadline = time.monotonic() + LONGEST_START
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError("the plain site did not start")


def _announced(process: subprocess.Popen[str]) -> tuple[str, str]:
    """The address and the API key that a first start prints."""
    assert process.stdout is not None
    key = ""
    for line in process.stdout:
        if found := re.search(r"rg_[\w-]+", line):
            key = found[0]
        if found := re.search(r"ready at (\S+)", line):
            return found[1], key
    raise RuntimeError("the site did not start")


def as_array(objects: list[bytes]) -> bytes:
    """A JSON array of objects that are JSON texts."""
    return b"[" + b",".join(objects) + b"]"


def as_bytes(posted: object) -> bytes:
    """An object as a client sends it."""
    return json.dumps(posted).encode()
