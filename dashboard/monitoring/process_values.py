"""Values of metrics that the processes of an instance share, in memory-mapped files.

prometheus-client names the files after process ids, so a replaced worker leaves a file behind and begins another one.
Here, they are named after roles: a worker goes on with the file of its predecessor, whose counts stay.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import values

MAIN_PROCESS = "main"
MAINTENANCE_PROCESS = "maintenance"
# More than our metrics need with all their labels. The space is taken in advance: a write into a part of a mapped file
# that has no space on a full disk ends the process.
_FILE_BYTES = {"counter": 256 * 1024, "histogram": 1024 * 1024, "gauge_livesum": 64 * 1024}


class _Sharing:
    """Which files this process uses: none until `share_values` is called."""

    directory: Path | None = None
    process = MAIN_PROCESS


_sharing = _Sharing()


def name_worker(index: int) -> str:
    """Return the name of a worker process, counted from 0."""
    return f"worker-{index + 1}"


def share_values(directory: Path, processes: Iterable[str]) -> None:
    """Let this process and its forks count in files of `directory`, which is emptied first.

    Call it before anything is counted and before any process is forked. Raises OSError, for instance on a full disk.
    """
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, parents=True)
    for process in (MAIN_PROCESS, MAINTENANCE_PROCESS, *processes):
        for kind, size in _FILE_BYTES.items():
            (directory / f"{kind}_{process}.db").write_bytes(bytes(size))
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)
    _sharing.directory = directory
    # Every metric has labels, so its values are created with this class when they are first used.
    values.ValueClass = values.MultiProcessValue(get_process_name)  # type: ignore[no-untyped-call]


def become_process(name: str) -> None:
    """Count in the files of the process `name` from now on. Call it after a fork."""
    _sharing.process = name


def get_process_name() -> str:
    """Return the name of this process."""
    return _sharing.process


def get_shared_directory() -> Path | None:
    """Return the directory that the processes share; None in a process that shares nothing, such as a command."""
    return _sharing.directory
