"""Progress of something long: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TextIO

from tqdm import tqdm

EVERY = 5.0  # seconds between plain lines


@contextmanager
def progress(label: str, unit: str, stream: TextIO) -> Generator[Callable[[int, int], None]]:
    """Give a function to be called with (done, total) as often as one likes."""
    if not stream.isatty():
        yield _PlainLines(label, unit, stream)
        return
    with tqdm(desc=label, unit=f" {unit}", file=stream) as bar:

        def tell(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield tell


class _PlainLines:
    """At once, at most every few seconds, and at the end."""

    def __init__(self, label: str, unit: str, stream: TextIO) -> None:
        self._label, self._unit, self._stream = label, unit, stream
        self._last = float("-inf")

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done >= total or now - self._last >= EVERY:
            self._last = now
            self._stream.write(f"{self._label}: {done:,} of {total:,} {self._unit}\n")
            self._stream.flush()
