"""What was posted about a run, post by post."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import pairwise

from runs.history import Entry
from runs.protocol.times import milliseconds_between


@dataclass(frozen=True, slots=True)
class Line:
    """An entry with the name of its key ("" for a command) and the time since the entry before it."""

    entry: Entry
    source: str
    after_ms: int | None

    @property
    def received(self) -> str:
        """To the millisecond: this time is measured here."""
        utc = self.entry.received_at.astimezone(UTC)
        return f"{utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 1000:03}"


def lines(entries: Sequence[Entry], key_names: Mapping[int, str]) -> list[Line]:
    """The history, oldest first."""
    gaps = [
        None,
        *(milliseconds_between(before.received_at, after.received_at) for before, after in pairwise(entries)),
    ]
    return [Line(entry, _source(entry, key_names), gap) for entry, gap in zip(entries, gaps, strict=True)]


def _source(entry: Entry, key_names: Mapping[int, str]) -> str:
    return "" if entry.key_id is None else key_names.get(entry.key_id, f"key {entry.key_id}")
