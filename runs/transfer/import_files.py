"""Files, folders and archives as a stream of JSON values, in constant memory."""

from __future__ import annotations

import itertools
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from runs.errors import RunglassError, UnreadableBody
from runs.ingest import compression
from runs.protocol import lossless_json

_SUFFIXES = (".json", ".jsonl", ".ndjson", ".zip")
_PACKED = (".gz", ".zst")
_CHUNK = 1 << 20
_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
# a string, perhaps cut off by the end of what was read so far, or a bracket
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:(?P<closed>")|\\?\Z)|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class ImportSource:
    """One readable file: its name for people, its content in pieces, and the file on disk below it."""

    name: str
    pieces: Iterator[bytes]
    file: IO[bytes]


@dataclass(frozen=True, slots=True)
class RawJsonValue:
    """The text of one JSON value (or of what should be one), and the line of its file where it begins."""

    raw: bytes
    line: int


def total_import_size(names: Iterable[str]) -> int | None:
    """How many (packed) bytes there are to read; None with standard input. Raises OSError."""
    names = list(names)
    if "-" in names:
        return None
    return sum(path.stat().st_size for name in names for path in _files(Path(name)))


def is_import_input(names: Iterable[str], path: Path) -> bool:
    """Whether `path`, which need not be there yet, is or will be one of the files that `names` mean."""
    place = path.resolve()
    folders = [Path(name).resolve() for name in names if name != "-"]
    return place in folders or (_is_known(place.name) and any(place.is_relative_to(each) for each in folders))


def find_skipped_files(names: Iterable[str]) -> list[str]:
    """The files in the folders among `names` that are not read, since their names are none of JSON."""
    found = (each for name in names if name != "-" for each in Path(name).rglob("*") if each.is_file())
    return sorted(str(each) for each in found if not _is_known(each.name))


def open_import_sources(names: Iterable[str]) -> Iterator[ImportSource]:
    """Open every file among `names` in turn; `-` is standard input, a folder all that is JSON in it.

    Raises OSError. What is no archive raises when it is read, so that the files after it can still be.
    """
    for name in names:
        if name == "-":
            yield ImportSource("standard input", compression.read_uncompressed(sys.stdin.buffer), sys.stdin.buffer)
            continue
        for path in _files(Path(name)):
            with path.open("rb") as file:
                yield from _unpacked(str(path), file, file)


def read_json_values(source: ImportSource) -> Iterator[RawJsonValue]:
    """The JSON values of a file: a line each, the elements of an array, or one after the other.

    What is broken comes out as it is, so that reading it tells what is wrong. Raises UnreadableBody where the
    packed data is damaged or the file ends within an array, after all that stands before.
    """
    try:
        chunks = _chunks(source.pieces)
        head = next(chunks, b"").removeprefix(_BOM)
        yield from _taken_apart(head, itertools.chain([head], chunks))
    except UnreadableBody as error:
        raise UnreadableBody(f"{source.name}: {error.message}") from error


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(each for each in path.rglob("*") if each.is_file() and _is_known(each.name))


def _is_known(name: str) -> bool:
    """Whether a file in a folder or archive holds JSON; macOS adds `._` files about others to both."""
    bare = name.rpartition("/")[2].lower()
    for suffix in _PACKED:
        bare = bare.removesuffix(suffix)
    return bare.endswith(_SUFFIXES) and not bare.startswith("._")


def _unpacked(name: str, stream: IO[bytes], file: IO[bytes]) -> Iterator[ImportSource]:
    match Path(name).suffix.lower():
        case ".gz":
            yield ImportSource(name, compression.decompress_gzip(stream), file)
        case ".zst":
            yield ImportSource(name, compression.decompress_zstd(stream), file)
        case ".zip":
            yield from _members(name, stream, file)
        case _:
            yield ImportSource(name, compression.read_uncompressed(stream), file)


def _members(name: str, stream: IO[bytes], file: IO[bytes]) -> Iterator[ImportSource]:
    try:
        archive = zipfile.ZipFile(stream)
    except zipfile.BadZipFile as error:
        yield ImportSource(name, _unreadable(f"not a zip archive: {error}"), file)
        return
    for member in archive.infolist():
        if not _is_known(member.filename):
            continue
        whole = f"{name}/{member.filename}"
        try:
            opened = archive.open(member)
        except (zipfile.BadZipFile, RuntimeError) as error:  # the latter where it is encrypted
            yield ImportSource(whole, _unreadable(f"can't be unpacked: {error}"), file)
            continue
        with opened:
            yield from _unpacked(whole, opened, file)


def _unreadable(reason: str) -> Iterator[bytes]:
    raise UnreadableBody(reason)
    yield b""


def _chunks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """`pieces` put together into chunks of a fair size. What came before damage comes before its error."""
    gathered = bytearray()
    try:
        for piece in pieces:
            gathered += piece
            if len(gathered) >= _CHUNK:
                chunk = bytes(gathered)
                gathered.clear()
                yield chunk
    except UnreadableBody:
        yield bytes(gathered)
        raise
    yield bytes(gathered)


def _taken_apart(head: bytes, chunks: Iterable[bytes]) -> Iterator[RawJsonValue]:
    begin = head.lstrip()
    if begin[:1] == b"[":
        return _split(chunks, depth=1)
    # also the second line, in case that the first is the broken one
    if any(_is_complete(line) for line in begin.split(b"\n", 2)[:-1]):
        return _lines(chunks)
    return _split(chunks, depth=0)


def _is_complete(line: bytes) -> bool:
    """Whether a line is a whole object, as in files that hold a line an object."""
    try:
        lossless_json.split_object(line)
    except RunglassError:
        return False
    return True


def _lines(chunks: Iterable[bytes]) -> Iterator[RawJsonValue]:
    rest, number = b"", 0
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for number, line in enumerate(lines, number + 1):  # noqa: B020
            if line := line.strip():
                yield RawJsonValue(line, number)
    if rest := rest.strip():
        yield RawJsonValue(rest, number + 1)


def _split(chunks: Iterable[bytes], depth: int) -> Iterator[RawJsonValue]:
    """Cut at the brackets that are `depth` deep, and keep as much as one value needs."""
    cutter = _JsonSplitter(depth)
    for chunk in chunks:
        yield from cutter.feed(chunk)
    yield from cutter.end()


class _JsonSplitter:
    """Cuts JSON text into the values whose brackets are `depth` deep and what stands between them.

    The latter comes out too, where it is more than commas, to be refused by name.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._level = 0
        self._buffer = b""
        self._begin = 0  # of the value, or of what stands between two
        self._seen = 0  # how far tokens were recognised
        self._line = 1  # of `_begin`

    def feed(self, chunk: bytes, *, is_last: bool = False) -> Iterator[RawJsonValue]:
        """Take some more text; give out what is complete by now."""
        self._buffer = self._buffer[self._begin :] + chunk
        self._seen -= self._begin
        self._begin = 0
        for token in _TOKEN.finditer(self._buffer, self._seen):
            mark = self._buffer[token.start() : token.start() + 1]
            if mark == b'"' and not token["closed"] and not is_last:
                break  # the string goes on in the next chunk
            self._seen = token.end()
            if mark in b"[{":
                yield from self._opened(token.start(), token.end())
            elif mark in b"]}":
                yield from self._closed(token.start(), token.end())

    def end(self) -> Iterator[RawJsonValue]:
        """What is left. Raises UnreadableBody where an array was not closed."""
        yield from self.feed(b"", is_last=True)
        yield from self._until(len(self._buffer))
        if self._depth and self._level == self._depth:
            raise UnreadableBody("the file ends within an array")

    def _opened(self, start: int, end: int) -> Iterator[RawJsonValue]:
        if self._level == self._depth:
            yield from self._until(start)
        self._level += 1
        if self._level == self._depth:
            yield from self._until(start)
            self._begin = end

    def _closed(self, start: int, end: int) -> Iterator[RawJsonValue]:
        if self._level == 0:
            return  # one too many: a part of what stands between
        self._level -= 1
        if self._level == self._depth:
            yield from self._until(end)
        elif self._level < self._depth:
            yield from self._until(start)
            self._begin = end

    def _until(self, end: int) -> Iterator[RawJsonValue]:
        raw = self._buffer[self._begin : end]
        self._begin = end
        if value := raw.strip(_BLANK + b","):
            yield RawJsonValue(value, self._line + raw[: raw.index(value)].count(b"\n"))
        self._line += raw.count(b"\n")
