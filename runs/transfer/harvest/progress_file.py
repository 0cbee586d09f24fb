"""Which threads need not be fetched again: a file to which each is added when all of it is stored."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from runs.errors import RunglassError


class UnusableProgressFile(RunglassError):
    """The state file can't be used."""

    code = "unusable_state"


class HarvestProgressFile:
    """The finished threads of one server and project, used by one harvest at a time.

    The file has a line that says what it is about, then one a thread. A line that was cut off by a crash
    does not count. Raises UnusableState where the file is in use, or is about something else; OSError.
    """

    def __init__(self, path: Path, about: Mapping[str, str]) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        try:
            self._lock()
            self._ids = self._read(dict(about))
        except (UnusableProgressFile, OSError):
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __contains__(self, thread_id: str) -> bool:
        return thread_id in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, thread_id: str) -> None:
        """Note a thread, durably."""
        if thread_id not in self._ids:
            self._ids.add(thread_id)
            self._append({"thread": thread_id})

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UnusableProgressFile(f"Another harvest is using {self._path}") from error

    def _read(self, about: dict[str, str]) -> set[str]:
        self._file.seek(0)
        content = self._file.read()
        whole = content[: content.rfind(b"\n") + 1]
        first, *others = (self._object(line) for line in whole.splitlines() or [b"{}"])
        if whole and first != about:
            told = ", ".join(f"{name} {value}" for name, value in first.items())
            raise UnusableProgressFile(f"{self._path} is about something else ({told}): choose another --state")
        self._file.truncate(len(whole))
        if not whole:
            self._append(about)
        return {each["thread"] for each in others if "thread" in each}

    def _object(self, line: bytes) -> dict[str, str]:
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise UnusableProgressFile(f"{self._path} is not a state file of harvest")
        return found

    def _append(self, values: dict[str, str]) -> None:
        self._file.write(json.dumps(values).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
