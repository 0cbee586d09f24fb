"""Limits that keep the work of an import in proportion to its files, whatever they unpack to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs.errors import UnreadableBody

MAX_ARCHIVE_DEPTH = 3  # archives and compressed files inside each other
MAX_ARCHIVE_MEMBERS = 100_000
_MAX_VALUE_BYTES = 128 * 1024 * 1024  # of one JSON value, which is kept in memory
_MAX_BLANK_BYTES = 64 * 1024 * 1024  # of whitespace in a row
# Files of runs that repeat long instructions unpack to some hundred times their size; gzip reaches at most 1,032.
_MAX_RATIO = 1000
_MIN_LIMITED_BYTES = 1024 * 1024 * 1024  # below, the ratio does not matter


@dataclass(slots=True)
class UnpackingLimit:
    """The bytes that one file takes on disk and unpacks to, over all archives and compressed files inside it."""

    packed_bytes: int = 0
    unpacked_bytes: int = 0

    def count_packed(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield `chunks`, which are read from the file itself."""
        for chunk in chunks:
            self.packed_bytes += len(chunk)
            yield chunk

    def count_unpacked(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield `chunks`, which were decompressed.

        Raises:
            UnreadableBody: the file unpacks to far more than it can usefully hold.
        """
        for chunk in chunks:
            self.unpacked_bytes += len(chunk)
            if self.unpacked_bytes > max(_MIN_LIMITED_BYTES, _MAX_RATIO * self.packed_bytes):
                raise UnreadableBody(
                    f"it unpacks to more than {self.unpacked_bytes:,} bytes, over {_MAX_RATIO:,} times its size"
                )
            yield chunk


def limit_blank_text(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield `chunks`. Raises UnreadableBody after too much whitespace in a row, to the precision of a chunk."""
    blank_bytes = 0
    for chunk in chunks:
        blank_bytes = blank_bytes + len(chunk) if chunk.isspace() else 0
        if blank_bytes > _MAX_BLANK_BYTES:
            raise UnreadableBody(f"more than {_MAX_BLANK_BYTES:,} bytes of whitespace in a row")
        yield chunk


def limit_value_bytes(size: int, line: int) -> None:
    """Raise UnreadableBody if the JSON value that starts at `line` has too many bytes, of which `size` were read."""
    if size > _MAX_VALUE_BYTES:
        raise UnreadableBody(f"line {line:,}: a value has more than {_MAX_VALUE_BYTES:,} bytes")
