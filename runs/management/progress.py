"""How far a command is with the files it reads: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import IO, Self, TextIO

from tqdm import tqdm

_LINE_EVERY = 5.0  # seconds, where there is no terminal


class Progress:
    """A bar with rate and time left on a terminal, a line every few seconds elsewhere.

    `total`: how many bytes there are to read from disk, None where nobody knows.
    """

    def __init__(self, total: int | None, out: TextIO) -> None:
        self._total, self._out = total or None, out
        self._bar = tqdm(total=self._total, unit="B", unit_scale=True, file=out, disable=not out.isatty())
        self._begun = self._told = time.monotonic()
        self._file: IO[bytes] | None = None
        self._before = 0  # bytes of the files that were read before
        self._here = 0  # bytes of the one that is read now

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def advance(self, file: IO[bytes], records: int) -> None:
        """Show that so many records were taken from all files, of which `file` is the newest."""
        if file is not self._file:
            self._file, self._before, self._here = file, self._before + self._here, 0
        self._here = max(self._here, _position(file))
        done = self._before + self._here
        self._bar.set_postfix_str(f"{records:,} records", refresh=False)
        self._bar.update(done - self._bar.n)
        now = time.monotonic()
        if self._bar.disable and now - self._told > _LINE_EVERY:
            self._told = now
            self._out.write(self._line(done, records, now - self._begun))

    def _line(self, done: int, records: int, seconds: float) -> str:
        line = f"{records:,} records, {records / seconds:,.0f}/s"
        if self._total and done:
            left = seconds * max(0, self._total - done) / done
            line += f", {min(done / self._total, 1):.0%}, {left:,.0f} s left"
        return line + "\n"


def _position(file: IO[bytes]) -> int:
    """How far a file was read; 0 of a pipe, which doesn't know."""
    return file.tell() if file.seekable() else 0
