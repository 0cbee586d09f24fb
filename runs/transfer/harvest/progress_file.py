"""A file that lists the threads which a harvest need not fetch again."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from runs.errors import RunglassError


class UnusableProgressFile(RunglassError):
    """The progress file cannot be used."""

    code = "unusable_progress_file"


class HarvestProgressFile:
    """The finished threads of one server and project, locked for one harvest at a time.

    The first line describes the harvest, every other line names one finished thread. A last line without a line
    break, left by a crash, is dropped.

    Args:
        path: The file, created if it does not exist.
        identity: The server and project that the file must be about.

    Raises:
        UnusableProgressFile: the file is in use, is about another harvest, or is no progress file.
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path, identity: Mapping[str, str]) -> None:
        self._path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)  # thread ids of other servers are nobody else's business
        self._file = path.open("a+b")
        try:
            self._lock()
            self._thread_ids = self._read(dict(identity))
        except (UnusableProgressFile, OSError):
            self._file.close()
            raise

    def __enter__(self) -> Self:
        """Return the file itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file and release its lock."""
        self._file.close()

    def __contains__(self, thread_id: str) -> bool:
        """Return whether the thread is finished."""
        return thread_id in self._thread_ids

    def __len__(self) -> int:
        """Return the number of finished threads."""
        return len(self._thread_ids)

    def add(self, thread_id: str) -> None:
        """Record a finished thread. It is on disk when this returns."""
        if thread_id not in self._thread_ids:
            self._thread_ids.add(thread_id)
            self._append({"thread": thread_id})

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UnusableProgressFile(f"Another harvest is using {self._path}") from error

    def _read(self, identity: dict[str, str]) -> set[str]:
        self._file.seek(0)
        content = self._file.read()
        complete_lines = content[: content.rfind(b"\n") + 1]
        first, *others = (self._parse_line(line) for line in complete_lines.splitlines() or [b"{}"])
        if complete_lines and first != identity:
            owner = ", ".join(f"{name} {value}" for name, value in first.items())
            raise UnusableProgressFile(f"{self._path} belongs to another harvest ({owner}): choose another --state")
        self._file.truncate(len(complete_lines))
        if not complete_lines:
            self._append(identity)
        return {line["thread"] for line in others if "thread" in line}

    def _parse_line(self, line: bytes) -> dict[str, str]:
        try:
            values = json.loads(line)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise UnusableProgressFile(f"{self._path} is not a progress file of a harvest")
        return values

    def _append(self, values: dict[str, str]) -> None:
        self._file.write(json.dumps(values).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
