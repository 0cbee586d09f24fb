"""Others use up the connections of the database: clear errors, nothing hangs, and recovery without a restart."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter

from tests.dashboard.server.test_up import ROOT, environment_for, wait_until
from tests.factories import run_object
from tests.faults.site import Site, kill

# Takes all connections, says so, takes those that become free, and gives them back after some seconds.
HOARD = """
import time
from django.db import OperationalError, connection
held, ends = [], None
while ends is None or time.monotonic() < ends:
    copy = connection.copy()
    try:
        copy.ensure_connection()
        held.append(copy)
    except OperationalError:
        if ends is None:
            print("taken", flush=True)
            ends = time.monotonic() + 8
        time.sleep(0.002)
"""


def test_exhausted_connections_are_clear_errors(site: Site) -> None:
    site.page()
    hoard = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", HOARD],
        cwd=ROOT, env=environment_for(site.data_dir), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    statuses: Counter[int] = Counter()
    try:
        assert hoard.stdout is not None
        assert hoard.stdout.readline().strip() == "taken"
        for worker in site.children()[0]:  # the new ones find no connection
            kill(worker)
        wait_until(lambda: len(site.children()[0]) == 2)
        wait_until(lambda: _is_up(site))
        posted = run_object()
        for _ in range(4):
            started = time.monotonic()
            response = site.post([posted])
            statuses[response.status] += 1
            assert time.monotonic() - started < 10
            if response.status == 503:
                assert response.error["code"] == "database_unavailable"
                assert response.headers["retry-after"] == "5"
        assert set(statuses) <= {200, 503}
    finally:
        hoard.wait(30)
        assert hoard.stdout is not None
        hoard.stdout.close()
    wait_until(lambda: site.post([posted]).status == 200)
    wait_until(lambda: site.page().status == 200)
    assert statuses[503] > 0


def _is_up(site: Site) -> bool:
    try:
        return site.request("GET", "/healthz").status == 200
    except OSError:
        return False
