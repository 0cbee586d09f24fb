"""Tests of backups of a site that is loaded, of killed backups and restores, and of a full disk."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.dashboard.server.test_up import ROOT, Up, environment_for, wait_until
from tests.faults.loading import snapshots
from tests.faults.site import Site, bearer

RUNS_PER_POST = 20


@pytest.fixture
def directory() -> Generator[Path]:
    """A directory that any user may enter, as the user of the database must."""
    path = Path(tempfile.mkdtemp(prefix="runglass-backup-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def start_command(data_dir: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=environment_for(data_dir), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def run_command(data_dir: Path, *arguments: str) -> tuple[int, str]:
    """Return the exit code and the last line of the output."""
    process = start_command(data_dir, *arguments)
    output, errors = process.communicate(timeout=120)
    return process.returncode, [*output.splitlines(), *errors.splitlines(), ""][-2]


class Poster(threading.Thread):
    """Posts runs to a project until it is stopped, and keeps those that were answered."""

    def __init__(self, site: Site, key: str) -> None:
        super().__init__()
        self.answered: list[dict[str, Any]] = []
        self._site = site
        self._key = key
        self._stopping = threading.Event()

    def run(self) -> None:
        finished = {run["id"]: run for run in snapshots(3000)}
        runs = list(finished.values())
        for start in range(0, len(runs), RUNS_PER_POST):
            batch = runs[start : start + RUNS_PER_POST]
            if self._stopping.is_set():
                return
            if self._site.post(batch, self._key).status == 200:
                self.answered += batch

    def stop(self) -> None:
        self._stopping.set()
        self.join()


def test_backup_during_load_has_every_answered_run(site: Site, directory: Path) -> None:
    key = site.project("archived")
    poster = Poster(site, key)
    poster.start()
    wait_until(lambda: len(poster.answered) >= 100, 60)
    answered = list(poster.answered)
    code, message = run_command(site.data_dir, "backup", str(directory / "1.tar"))
    answered_during = len(poster.answered) - len(answered)
    poster.stop()
    assert (code, message.split()[0]) == (0, "Wrote"), message
    assert answered_during > 0

    target = directory / "var"
    assert run_command(target, "restore", str(directory / "1.tar"))[0] == 0
    up = Up(target)
    restored = Site(target, up, key, "")
    try:
        for run in answered:
            path = f"/api/v1/runs/{run['id']}"
            original = site.request("GET", path, headers=bearer(key)).body
            assert restored.get(path).body == original
            assert json.loads(original)["id"] == run["id"]
        state = restored.state("archived")
        assert (state["sums_exact"], state["broken_histories"]) == (True, 0)
        code, message = run_command(target, "restore", str(directory / "1.tar"))
        assert (code, "is in use" in message) == (1, True), message
    finally:
        up.stop(signal.SIGINT)
