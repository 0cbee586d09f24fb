"""Tests on a small volume that is full: reading goes on, posts get a clear error, and room is enough to recover."""

from __future__ import annotations

import json
import secrets
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests import factories
from tests.dashboard.server.test_up import run_failing, wait_until
from tests.faults.loading import Load, batches, snapshots
from tests.faults.site import Site, kill

VOLUME_MB = 220


@pytest.fixture
def volume() -> Generator[Path]:
    """A small volume of its own."""
    with tempfile.TemporaryDirectory(prefix="runglass-volume-") as name:
        options = ["-t", "tmpfs", "-o", f"size={VOLUME_MB}m,mode=0711"]
        mounted = subprocess.run(["mount", *options, "tmpfs", name], capture_output=True, check=False)
        if mounted.returncode != 0:
            pytest.skip("only root can mount a volume")
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)


def fill(path: Path, leave: int = 0) -> None:
    """Write a file that fills the volume, up to `leave` bytes."""
    chunk = bytes(64 * 1024)
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(chunk)
    with path.open("r+b") as file:
        file.truncate(max(path.stat().st_size - leave, 0))


def test_full_disk_only_stops_posts(volume: Path) -> None:
    site = Site.start(volume / "var")
    try:
        runs = list(snapshots(60))
        assert site.post(runs[:20]).status == 200

        # 1. Hardly any room is left: posts are refused, reading goes on.
        fill(volume / "ballast", leave=4 * 1024 * 1024)
        refused = site.post(runs[20:40])
        assert (refused.status, refused.error["code"]) == (503, "disk_full")
        assert (site.page().status, site.get("/api/v1/runs").status) == (200, 200)

        # 2. Nothing is left, and Postgres has to recover: the site runs on.
        fill(volume / "more")
        kill(site.children()[1])
        assert site.request("GET", "/healthz").status == 200

        # 3. Room again: everything works, and nothing is lost.
        (volume / "ballast").unlink()
        (volume / "more").unlink()
        wait_until(lambda: site.get("/readyz").status == 200, seconds=40)
        assert site.post(runs[20:]).status == 200
        assert site.up.process.poll() is None
    finally:
        site.stop()


def test_load_that_fills_the_disk_loses_nothing(volume: Path) -> None:
    site = Site.start(volume / "var")
    try:
        reserve = volume / "reserve"
        fill(reserve, leave=24 * 1024 * 1024)
        # more than there is room for, and hardly compressible
        runs = [run | {"vendor_notes": secrets.token_hex(8000)} for run in numbered_runs(700)]
        load = Load(site, batches(runs, 50))

        def read_on_and_make_room() -> None:
            wait_until(lambda: load.status_counts[503] > 5, seconds=60)
            refused = site.post(runs[-1:])
            assert (refused.status, refused.error["code"]) == (503, "disk_full")
            assert (site.page().status, site.get("/api/v1/runs").status) == (200, 200)
            reserve.unlink()

        load.run(seconds=120, disruptions=[(0.0, read_on_and_make_room)])

        assert load.status_counts.keys() == {200, 503}
        stored = site.page("/p/default/runs.jsonl").body.splitlines()
        assert [json.loads(line) for line in stored] == runs
        assert site.up.process.poll() is None
    finally:
        site.stop()


def numbered_runs(count: int) -> Iterator[dict[str, Any]]:
    """Yield `count` runs with ids of their own."""
    for number in range(count):
        yield factories.run_object(id=f"run_{number}", created_at=factories.NOW - 1000 + number)


def test_start_on_a_full_disk_names_it(volume: Path) -> None:
    fill(volume / "ballast", leave=1024 * 1024)

    error = run_failing(volume / "var", "--port", "0")

    assert "No space left on device" in error
    assert str(volume) in error
