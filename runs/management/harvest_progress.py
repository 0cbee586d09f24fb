"""How far a harvest is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import Self, TextIO

from tqdm import tqdm

from runs.transfer.harvest import Harvest

_LINE_EVERY = 5.0  # seconds, where there is no terminal


class HarvestProgress:
    """Threads done, of how many as soon as that is known, with what was fetched and the time left."""

    def __init__(self, harvest: Harvest, out: TextIO) -> None:
        self._harvest, self._out = harvest, out
        self._bar = tqdm(unit=" threads", file=out, disable=not out.isatty())
        self._begun = self._told = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def show(self) -> None:
        """Show how far it is by now."""
        now = time.monotonic()
        if not self._bar.disable:
            tally = self._harvest.tally
            self._bar.total = None if tally.total is None else tally.total - tally.skipped
            self._bar.set_postfix_str(self._fetched(now), refresh=False)
            self._bar.update(tally.done - self._bar.n)
        elif now - self._told > _LINE_EVERY:
            self._told = now
            self._out.write(f"{self._line(now)}\n")
            self._out.flush()

    def _line(self, now: float) -> str:
        tally = self._harvest.tally
        if tally.total is None:
            return f"{tally.done:,} threads so far, {self._fetched(now)}"
        total = tally.total - tally.skipped
        line = f"{tally.done:,} of {total:,} threads, {self._fetched(now)}"
        if tally.done:
            line += f", {(now - self._begun) * (total - tally.done) / tally.done:,.0f} s left"
        return line

    def _fetched(self, now: float) -> str:
        fetched = self._harvest.tally.fetched
        counts = [f"{fetched[name]:,} {name}" for name in ("runs", "steps", "messages")]
        rate = self._harvest.client.requests / max(now - self._begun, 0.001)
        return ", ".join([*counts, f"{rate:,.1f} requests/s"])
