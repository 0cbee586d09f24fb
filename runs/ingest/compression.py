"""Compressed bytes, unpacked piece by piece: little memory, however much they swell."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Protocol, cast

import zstandard

from runs.errors import UnreadableBody

_CHUNK_SIZE = 64 * 1024
# A block of zstd takes 4 bytes and may swell to 128 kB, so this is what bounds a piece: to 16 MB.
_ZSTD_INPUT_SIZE = 512
# What HTTP allows (RFC 9659). Files may have been packed with more.
HTTP_MAX_ZSTD_WINDOW = 8 * 1024 * 1024
# Any of them, since one packed stream may lie within another.
_DECOMPRESSION_ERRORS = (gzip.BadGzipFile, zipfile.BadZipFile, zstandard.ZstdError, zlib.error, EOFError)


class ReadableStream(Protocol):
    """All that is asked of a stream; requests and members of archives can do it."""

    def read(self, size: int = ..., /) -> bytes: ...


def read_uncompressed(stream: ReadableStream, piece_size: int = _CHUNK_SIZE) -> Iterator[bytes]:
    """`stream` as it is, in pieces. Raises UnreadableBody where it is a damaged member of a zip archive."""
    try:
        while piece := stream.read(piece_size):
            yield piece
    except _DECOMPRESSION_ERRORS as error:
        raise UnreadableBody(f"the zip data is damaged: {error}") from error


def decompress_gzip(stream: ReadableStream) -> Iterator[bytes]:
    """The content of a gzip stream. Raises UnreadableBody where it is damaged or ends early, not before."""
    try:
        with gzip.GzipFile(fileobj=cast(IO[bytes], stream)) as reader:
            while piece := reader.read1(_CHUNK_SIZE):
                yield piece
    except _DECOMPRESSION_ERRORS as error:
        raise UnreadableBody(f"the gzip data is damaged: {error}") from error


def decompress_zstd(stream: ReadableStream, max_window: int = 0) -> Iterator[bytes]:
    """The content of a zstd stream of any number of frames; `max_window` bounds the memory they may ask for.

    Raises UnreadableBody where it is damaged or ends early, not before.
    """
    decompressor = zstandard.ZstdDecompressor(max_window_size=max_window)
    frame = None
    try:
        while packed := stream.read(_ZSTD_INPUT_SIZE):
            while packed:
                if frame is None or frame.eof:
                    frame = decompressor.decompressobj()
                yield frame.decompress(packed)
                packed = frame.unused_data if frame.eof else b""
    except _DECOMPRESSION_ERRORS as error:
        raise UnreadableBody(f"the zstd data is damaged: {error}") from error
    if frame is not None and not frame.eof:
        raise UnreadableBody("the zstd data is damaged: it ends early")
