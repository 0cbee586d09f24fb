"""Files, folders and archives as a stream of JSON values, in constant memory."""

from __future__ import annotations

import gzip
import io
import itertools
import re
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import zstandard

from runs.errors import RunglassError, UnreadableBody
from runs.protocol import text

_SUFFIXES = (".json", ".jsonl", ".ndjson")
_PACKED = (".gz", ".zst")
_CHUNK = 1 << 20
# a string, perhaps cut off by the end of what was read so far, or a bracket
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:(?P<closed>")|\\?\Z)|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Source:
    """One readable file, its name for people, and the packed file below it."""

    name: str
    stream: IO[bytes]
    packed: IO[bytes]


@dataclass(frozen=True, slots=True)
class Value:
    """The text of one JSON value (or of what should be one), and the line of its file where it begins."""

    raw: bytes
    line: int


def total_size(paths: Iterable[str]) -> int | None:
    """How many (packed) bytes there are to read; None with standard input. Raises OSError."""
    paths = list(paths)
    if "-" in paths:
        return None
    return sum(path.stat().st_size for name in paths for path in _files(Path(name)))


def sources(paths: Iterable[str]) -> Iterator[Source]:
    """Open every file among `paths` in turn; `-` is standard input, a folder all that is JSON in it.

    Raises OSError, and UnreadableBody for a damaged archive.
    """
    for name in paths:
        if name == "-":
            yield Source("standard input", sys.stdin.buffer, sys.stdin.buffer)
            continue
        for path in _files(Path(name)):
            with path.open("rb") as packed:
                yield from _unpacked(path, packed)


def values(source: Source) -> Iterator[Value]:
    """The JSON values of a file: a line each, the elements of an array, or one after the other.

    What is broken comes out as it is, so that reading it tells what is wrong. Raises UnreadableBody where the
    packed data is damaged.
    """
    stream = io.BufferedReader(_Raw(source.stream), _CHUNK)
    try:
        head = stream.peek(_CHUNK).removeprefix(b"\xef\xbb\xbf").lstrip()
        if head[:1] == b"[":
            yield from _split(stream, depth=1)
        elif _is_complete(head.partition(b"\n")[0]):
            lines = ((number, line.strip()) for number, line in enumerate(stream, 1))
            yield from (Value(line.removeprefix(b"\xef\xbb\xbf"), number) for number, line in lines if line)
        else:
            yield from _split(stream, depth=0)
    except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError, zipfile.BadZipFile) as error:
        raise UnreadableBody(f"{source.name}: the packed data is damaged: {error}") from error


class _Raw(io.RawIOBase):
    """Any readable stream, for io.BufferedReader: some decompressors lack `readinto`."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        chunk = self._stream.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(each for each in path.rglob("*") if each.is_file() and _is_known(each.name))


def _is_known(name: str) -> bool:
    bare = name.lower()
    for suffix in _PACKED:
        bare = bare.removesuffix(suffix)
    return bare.endswith((*_SUFFIXES, ".zip"))


def _unpacked(path: Path, packed: IO[bytes]) -> Iterator[Source]:
    match path.suffix.lower():
        case ".gz":
            yield Source(str(path), gzip.GzipFile(fileobj=packed), packed)  # type: ignore[arg-type]
        case ".zst":
            reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
            yield Source(str(path), reader, packed)  # type: ignore[arg-type]
        case ".zip":
            yield from _members(path, packed)
        case _:
            yield Source(str(path), packed, packed)


def _members(path: Path, packed: IO[bytes]) -> Iterator[Source]:
    try:
        with zipfile.ZipFile(packed) as archive:
            for name in sorted(archive.namelist()):
                if _is_known(name):
                    with archive.open(name) as stream:
                        yield Source(f"{path}/{name}", stream, packed)
    except zipfile.BadZipFile as error:
        raise UnreadableBody(f"{path}: not a zip archive: {error}") from error


def _is_complete(line: bytes) -> bool:
    """Whether a first line is a whole object, as in files that hold a line an object."""
    try:
        text.fields(line)
    except RunglassError:
        return False
    return True


def _split(stream: IO[bytes], depth: int) -> Iterator[Value]:
    """Cut at the brackets that are `depth` deep, reading as much as one value needs."""
    buffer, level, scan, begin, line = b"", 0, 0, 0, 1
    for chunk in itertools.chain(iter(lambda: stream.read(_CHUNK), b""), [None]):
        buffer += chunk or b""
        for token in _TOKEN.finditer(buffer, scan):
            mark, end = buffer[token.start() : token.start() + 1], token.end()
            if mark == b'"' and not token["closed"] and chunk is not None:
                break  # the string goes on in the next chunk
            scan = end
            if mark in b"[{":
                if level == depth:
                    yield from _between(buffer[begin : token.start()], line)
                    line += buffer.count(b"\n", begin, token.start())
                    begin = token.start()
                level += 1
                if level == depth:
                    begin = end
            elif mark in b"]}":
                level -= 1
                if level == depth:
                    yield Value(buffer[begin:end], line)
                if level <= depth:
                    yield from () if level == depth else _between(buffer[begin : token.start()], line)
                    line += buffer.count(b"\n", begin, end)
                    begin = end
        buffer, scan, begin = buffer[begin:], scan - begin, 0
    yield from _between(buffer, line)


def _between(junk: bytes, line: int) -> Iterator[Value]:
    """What stands between values, where it is more than a comma: to be refused by name."""
    found = junk.strip(b" \t\r\n,")
    if found:
        yield Value(found, line + junk[: junk.index(found)].count(b"\n"))
