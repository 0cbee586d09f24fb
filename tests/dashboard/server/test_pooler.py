"""Tests that the site works behind a real PgBouncer, which uses another server connection for each transaction."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.dashboard.server.test_up import ROOT, Up, environment_for, wait_until
from tests.faults.site import Site

CONFIGURATION = """
[databases]
pooled = host='{host}' port={port} user='{user}' password='{password}' dbname='pooled'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
"""

pytestmark = pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="pgbouncer is not installed")


@contextmanager
def run_pgbouncer(server: psycopg.conninfo.ConnectionInfo) -> Iterator[int]:
    """Run PgBouncer in front of `server`, and yield its port. It refuses to run as root."""
    with (
        tempfile.TemporaryDirectory(prefix="runglass-pooler-") as name,
        socket.create_server(("127.0.0.1", 0)) as probe,
    ):
        port = int(probe.getsockname()[1])
        probe.close()
        file = Path(name) / "pgbouncer.ini"
        file.write_text(
            CONFIGURATION.format(
                host=server.host, port=server.port, user=server.user, password=server.password, listen_port=port
            )
        )
        # the socket of the embedded server is accessible to its own user only
        owner = Path(server.host).stat().st_uid if server.host.startswith("/") else os.geteuid()
        identity = {"user": owner, "extra_groups": []} if os.geteuid() == 0 else {}
        os.chown(name, owner, -1)
        os.chown(file, owner, -1)
        process = subprocess.Popen(["pgbouncer", "-q", str(file)], stderr=subprocess.DEVNULL, **identity)  # type: ignore[call-overload]
        try:
            wait_until(lambda: _accepts(port))
            yield port
        finally:
            process.terminate()
            process.wait(10)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def pooled_site() -> Generator[Site]:
    """A site whose database is behind PgBouncer."""
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as server:
        server.execute("CREATE DATABASE pooled")
        data_dir = Path(tempfile.mkdtemp(prefix="runglass-pooled-"))
        try:
            with run_pgbouncer(server.info) as port:
                up = Up(data_dir, DATABASE_URL=f"postgresql://any@127.0.0.1:{port}/pooled")
                try:
                    output = "\n".join(up.output)
                    key, password = (
                        re.search(rf"^{name} +(\S+)$", output, re.MULTILINE)[1] for name in ("API key", "Password")
                    )
                    yield Site(data_dir, up, key, password)
                finally:
                    up.stop(signal.SIGINT)
        finally:
            shutil.rmtree(data_dir)
            server.execute("DROP DATABASE pooled WITH (FORCE)")


def make_run(number: int) -> dict[str, object]:
    return {
        "id": f"run_{number}", "object": "thread.run", "created_at": 1795000000, "thread_id": f"thread_{number % 7}",
        "assistant_id": "asst_1", "status": "completed", "metadata": {"customer": str(number % 5)},
    }  # fmt: skip


def test_parallel_posts_are_all_stored(pooled_site: Site) -> None:
    small = [[make_run(number)] for number in range(80)]
    large = [[make_run(number) for number in range(start, start + 200)] for start in range(0, 800, 200)]
    repeated = [[{**run, "status": "failed", "started_at": 1795000009} for run in batch] for batch in large]

    with ThreadPoolExecutor(8) as clients:
        statuses = Counter(response.status for response in clients.map(pooled_site.post, small + large + repeated))

    assert statuses == {200: len(small) + len(large) + len(repeated)}
    assert len(export(pooled_site)) == 800


def test_pages_and_lists_are_answered(pooled_site: Site) -> None:
    pooled_site.post([make_run(0)])
    paths = ["runs/", "runs.csv", "runs.json", "threads/", "errors/", "usage/", "assistants/", "runs/run_0/"]

    assert {path: pooled_site.page(f"/p/default/{path}").status for path in paths} == dict.fromkeys(paths, 200)
    assert pooled_site.get("/api/v1/runs?q=metadata.customer:0").status == 200


def export(site: Site) -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "manage.py", "export_runs"],
        cwd=ROOT, env=environment_for(site.data_dir, DATABASE_URL=site.up.environment["DATABASE_URL"]),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]
