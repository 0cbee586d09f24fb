"""Compressed bytes, unpacked piece by piece: little memory, however much they swell."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Protocol, cast

import zstandard

from runs.errors import UnreadableBody

_PIECE = 64 * 1024
# A block of zstd takes 4 bytes and may swell to 128 kB, so this is what bounds a piece: to 16 MB.
_ZSTD_INPUT = 512
# What HTTP allows (RFC 9659). Files may have been packed with more.
HTTP_WINDOW = 8 * 1024 * 1024
# Any of them, since one packed stream may lie within another.
_DAMAGE = (gzip.BadGzipFile, zipfile.BadZipFile, zstandard.ZstdError, zlib.error, EOFError)


class Readable(Protocol):
    """All that is asked of a stream; requests and members of archives can do it."""

    def read(self, size: int = ..., /) -> bytes: ...


def plain(stream: Readable, piece_size: int = _PIECE) -> Iterator[bytes]:
    """`stream` as it is, in pieces. Raises UnreadableBody where it is a damaged member of a zip archive."""
    try:
        while piece := stream.read(piece_size):
            yield piece
    except _DAMAGE as error:
        raise UnreadableBody(f"the zip data is damaged: {error}") from error


def gunzipped(stream: Readable) -> Iterator[bytes]:
    """The content of a gzip stream. Raises UnreadableBody where it is damaged or ends early, not before."""
    try:
        with gzip.GzipFile(fileobj=cast(IO[bytes], stream)) as reader:
            while piece := reader.read1(_PIECE):
                yield piece
    except _DAMAGE as error:
        raise UnreadableBody(f"the gzip data is damaged: {error}") from error


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
    except _DAMAGE as error:
        raise UnreadableBody(f"the zstd data is damaged: {error}") from error
    if frame is not None and not frame.eof:
        raise UnreadableBody("the zstd data is damaged: it ends early")
