"""Decompression in chunks, so that data that expands enormously takes little memory."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Protocol, cast

import zstandard

from runs.errors import UnreadableBody

_CHUNK_SIZE = 64 * 1024
# A zstd block may expand from 4 bytes to 128 kB, so this many bytes of input give at most 16 MB of output.
_ZSTD_INPUT_SIZE = 512
# The most that HTTP allows (RFC 9659). Files may have been compressed with a larger window.
HTTP_MAX_ZSTD_WINDOW = 8 * 1024 * 1024
# Any of them may occur, since one compressed stream may be inside another.
_DECOMPRESSION_ERRORS = (gzip.BadGzipFile, zipfile.BadZipFile, zstandard.ZstdError, zlib.error, EOFError)


class ReadableStream(Protocol):
    """A binary stream, such as a request or a member of an archive."""

    def read(self, size: int = ..., /) -> bytes:
        """Return at most `size` bytes, none at the end."""
        ...


def read_uncompressed(stream: ReadableStream, chunk_size: int = _CHUNK_SIZE) -> Iterator[bytes]:
    """Yield the content of `stream` in chunks. Raises UnreadableBody for a damaged member of a zip archive."""
    try:
        while chunk := stream.read(chunk_size):
            yield chunk
    except _DECOMPRESSION_ERRORS as error:
        raise UnreadableBody(f"the zip data is damaged: {error}") from error


def decompress_gzip(stream: ReadableStream) -> Iterator[bytes]:
    """Yield the content of a gzip stream in chunks. Raises UnreadableBody once damage or an early end is reached."""
    try:
        with gzip.GzipFile(fileobj=cast(IO[bytes], stream)) as reader:
            while chunk := reader.read1(_CHUNK_SIZE):
                yield chunk
    except _DECOMPRESSION_ERRORS as error:
        raise UnreadableBody(f"the gzip data is damaged: {error}") from error


def decompress_zstd(stream: ReadableStream, max_window: int = 0) -> Iterator[bytes]:
    """Yield the content of a zstd stream, of any number of frames, in chunks.

    `max_window` limits the memory that a frame may ask for, in bytes. Raises UnreadableBody once damage or an early
    end is reached.
    """
    decompressor = zstandard.ZstdDecompressor(max_window_size=max_window)
    frame = None
    try:
        while data := stream.read(_ZSTD_INPUT_SIZE):
            while data:
                if frame is None or frame.eof:
                    frame = decompressor.decompressobj()
                yield frame.decompress(data)
                data = frame.unused_data if frame.eof else b""
    except _DECOMPRESSION_ERRORS as error:
        raise UnreadableBody(f"the zstd data is damaged: {error}") from error
    if frame is not None and not frame.eof:
        raise UnreadableBody("the zstd data is damaged: it ends early")
