"""Compressed bytes, unpacked piece by piece: little memory, however much they swell."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import Protocol

import zstandard

from runs.errors import UnreadableBody

_PIECE = 64 * 1024
# A block of zstd takes 4 bytes and may swell to 128 kB, so this is what bounds a piece: to 16 MB.
_ZSTD_INPUT = 512
# What HTTP allows (RFC 9659). Files may have been packed with more.
HTTP_WINDOW = 8 * 1024 * 1024


class Readable(Protocol):
    """All that is asked of a stream; requests and members of archives can do it."""

    def read(self, size: int = ..., /) -> bytes: ...


def plain(stream: Readable) -> Iterator[bytes]:
    """`stream` as it is, in pieces."""
    while piece := stream.read(_PIECE):
        yield piece


def gunzipped(stream: Readable) -> Iterator[bytes]:
    """The content of a gzip stream. Raises UnreadableBody where it is damaged or ends early, not before."""
    try:
        with gzip.GzipFile(fileobj=stream) as reader:  # type: ignore[arg-type]  # it only reads
            while piece := reader.read1(_PIECE):
                yield piece
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UnreadableBody(f"The gzip data is damaged: {error}") from error


def unzstded(stream: Readable, max_window: int = 0) -> Iterator[bytes]:
    """The content of a zstd stream of any number of frames; `max_window` bounds the memory they may ask for.

    Raises UnreadableBody where it is damaged or ends early, not before.
    """
    decompressor = zstandard.ZstdDecompressor(max_window_size=max_window)
    frame = None
    try:
        while packed := stream.read(_ZSTD_INPUT):
            while packed:
                if frame is None or frame.eof:
                    frame = decompressor.decompressobj()
                yield frame.decompress(packed)
                packed = frame.unused_data if frame.eof else b""
    except zstandard.ZstdError as error:
        raise UnreadableBody(f"The zstd data is damaged: {error}") from error
    if frame is not None and not frame.eof:
        raise UnreadableBody("The zstd data is damaged: it ends early")
