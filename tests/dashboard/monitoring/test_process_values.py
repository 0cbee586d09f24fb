"""Processes count together, and a replaced one goes on with the files of its predecessor."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from django.conf import settings

# Forks in a process of its own: sharing is for good.
PROGRAM = """
import os, sys
from pathlib import Path
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from dashboard.monitoring import process_values
from dashboard.monitoring.metrics import HTTP_REQUESTS, LANE_WAITING, PROCESS_REPLACEMENTS

directory = Path(sys.argv[1])
process_values.share_values(directory, map(process_values.name_worker, range(2)))
sizes = {path.name: path.stat().st_size for path in directory.iterdir()}
PROCESS_REPLACEMENTS.labels("worker").inc()
for index in (0, 1, 0, 0, 1):  # a worker that is replaced twice, and one that is replaced once
    if (pid := os.fork()) == 0:
        process_values.become_process(process_values.name_worker(index))
        HTTP_REQUESTS.labels("GET", "runs", "2xx").inc()
        LANE_WAITING.labels("pages").set(3)
        os._exit(0)
    os.waitpid(pid, 0)
registry = CollectorRegistry()
MultiProcessCollector(registry, str(directory))
labels = {"method": "GET", "route": "runs", "status": "2xx"}
print(registry.get_sample_value("runglass_http_requests_total", labels))
print(registry.get_sample_value("runglass_lane_waiting_requests", {"lane": "pages"}))
print(registry.get_sample_value("runglass_process_replacements_total", {"kind": "worker"}))
print(sizes == {path.name: path.stat().st_size for path in directory.iterdir()})
"""


def test_replaced_processes_leave_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "counter_old.db").write_bytes(b"of an earlier start")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "shared")],
        cwd=settings.BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["5.0", "6.0", "1.0", "True"], done.stderr
