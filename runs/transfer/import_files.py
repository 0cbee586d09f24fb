"""Read files, folders and archives as a stream of JSON values, in constant memory."""

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
from runs.ingest.compression import decompress_gzip, decompress_zstd, read_uncompressed
from runs.protocol.lossless_json import split_object

STANDARD_INPUT = "-"

_JSON_SUFFIXES = (".json", ".jsonl", ".ndjson", ".zip")
_COMPRESSION_SUFFIXES = (".gz", ".zst")
_CHUNK_SIZE = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WHITESPACE = b" \t\r\n"
# A bracket or a string. The end of the chunk may cut off the string: then the group `end_quote` is empty.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:(?P<end_quote>")|\\?\Z)|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class ImportSource:
    """A file to import, or a member of an archive.

    `name` is shown to users. `file` is the file on disk, whose position tells how much of it was read.
    """

    name: str
    chunks: Iterator[bytes]
    file: IO[bytes]


@dataclass(frozen=True, slots=True)
class RawJsonValue:
    """The text of one JSON value, possibly malformed, and the line of the file where it starts."""

    raw: bytes
    line: int


def total_import_size(names: Iterable[str]) -> int | None:
    """Return the size of all files on disk in bytes, or None if standard input is among them.

    Raises:
        OSError: a file does not exist.
    """
    names = list(names)
    if STANDARD_INPUT in names:
        return None
    return sum(path.stat().st_size for name in names for path in _list_files(Path(name)))


def is_import_input(names: Iterable[str], path: Path) -> bool:
    """Return whether `path`, which may not exist yet, is one of the files that `names` stand for."""
    resolved = path.resolve()
    inputs = [Path(name).resolve() for name in names if name != STANDARD_INPUT]
    is_in_folder = any(resolved.is_relative_to(folder) for folder in inputs)
    return resolved in inputs or (is_in_folder and _has_json_name(resolved.name))


def find_skipped_files(names: Iterable[str]) -> list[str]:
    """Return the files in folders among `names` that are skipped because their names are not those of JSON files."""
    folders = [Path(name) for name in names if name != STANDARD_INPUT]
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return sorted(str(path) for path in paths if not _has_json_name(path.name))


def open_import_sources(names: Iterable[str]) -> Iterator[ImportSource]:
    """Open the files `names` one after the other: a file, a folder with all JSON files in it, `-` for standard input.

    A damaged archive raises only when its source is read, so that the files after it can be imported.

    Raises:
        OSError: a file cannot be opened.
    """
    for name in names:
        if name == STANDARD_INPUT:
            yield ImportSource("standard input", read_uncompressed(sys.stdin.buffer), sys.stdin.buffer)
            continue
        for path in _list_files(Path(name)):
            with path.open("rb") as file:
                yield from _decompress(str(path), file, file)


def read_json_values(source: ImportSource) -> Iterator[RawJsonValue]:
    """Yield the JSON values of a file: one per line, the elements of an array, or concatenated values.

    Malformed values are yielded as they are; parsing them later tells what is wrong.

    Raises:
        UnreadableBody: the compressed data is damaged, or the file ends within an array. All values before that
            place were yielded.
    """
    try:
        chunks = _resize_chunks(source.chunks)
        head = next(chunks, b"").removeprefix(_BYTE_ORDER_MARK)
        yield from _split_values(head, itertools.chain([head], chunks))
    except UnreadableBody as error:
        raise UnreadableBody(f"{source.name}: {error.message}") from error


def _list_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and _has_json_name(file.name))


def _has_json_name(name: str) -> bool:
    """Return whether a file in a folder or archive holds JSON. macOS adds metadata files named `._…` to both."""
    bare_name = name.rpartition("/")[2].lower()
    for suffix in _COMPRESSION_SUFFIXES:
        bare_name = bare_name.removesuffix(suffix)
    return bare_name.endswith(_JSON_SUFFIXES) and not bare_name.startswith("._")


def _decompress(name: str, stream: IO[bytes], file: IO[bytes]) -> Iterator[ImportSource]:
    match Path(name).suffix.lower():
        case ".gz":
            yield ImportSource(name, decompress_gzip(stream), file)
        case ".zst":
            yield ImportSource(name, decompress_zstd(stream), file)
        case ".zip":
            yield from _open_zip_members(name, stream, file)
        case _:
            yield ImportSource(name, read_uncompressed(stream), file)


def _open_zip_members(name: str, stream: IO[bytes], file: IO[bytes]) -> Iterator[ImportSource]:
    try:
        archive = zipfile.ZipFile(stream)
    except zipfile.BadZipFile as error:
        yield ImportSource(name, _raise_when_read(f"not a zip archive: {error}"), file)
        return
    for member in archive.infolist():
        if not _has_json_name(member.filename):
            continue
        member_name = f"{name}/{member.filename}"
        try:
            opened = archive.open(member)
        except (zipfile.BadZipFile, RuntimeError) as error:  # RuntimeError: the member is encrypted
            yield ImportSource(member_name, _raise_when_read(f"cannot be decompressed: {error}"), file)
            continue
        with opened:
            yield from _decompress(member_name, opened, file)


def _raise_when_read(reason: str) -> Iterator[bytes]:
    raise UnreadableBody(reason)
    yield b""


def _resize_chunks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Join `chunks` to chunks of at least `_CHUNK_SIZE`. Data before damage is yielded before its error is raised."""
    buffer = bytearray()
    try:
        for chunk in chunks:
            buffer += chunk
            if len(buffer) >= _CHUNK_SIZE:
                joined = bytes(buffer)
                buffer.clear()
                yield joined
    except UnreadableBody:
        yield bytes(buffer)
        raise
    yield bytes(buffer)


def _split_values(head: bytes, chunks: Iterable[bytes]) -> Iterator[RawJsonValue]:
    """Split a file into values; its first chunk, `head`, tells how."""
    start = head.lstrip()
    if start[:1] == b"[":
        return _split_at_brackets(chunks, depth=1)
    # two lines, because the first one may be malformed
    if any(_is_json_object(line) for line in start.split(b"\n", 2)[:-1]):
        return _split_lines(chunks)
    return _split_at_brackets(chunks, depth=0)


def _is_json_object(line: bytes) -> bool:
    try:
        split_object(line)
    except RunglassError:
        return False
    return True


def _split_lines(chunks: Iterable[bytes]) -> Iterator[RawJsonValue]:
    rest, number = b"", 0
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for number, line in enumerate(lines, number + 1):  # noqa: B020
            if line := line.strip():
                yield RawJsonValue(line, number)
    if rest := rest.strip():
        yield RawJsonValue(rest, number + 1)


def _split_at_brackets(chunks: Iterable[bytes], depth: int) -> Iterator[RawJsonValue]:
    splitter = _JsonSplitter(depth)
    for chunk in chunks:
        yield from splitter.feed(chunk)
    yield from splitter.finish()


class _JsonSplitter:
    """A splitter of JSON text into the values whose brackets are nested `depth` deep.

    Text between two values, other than commas, is yielded as a value too, so that it is rejected with its line.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._level = 0  # of nested brackets
        self._buffer = b""
        self._start = 0  # of the current value, or of the text between two values
        self._position = 0  # up to which the buffer was tokenized
        self._line = 1  # of `_start`

    def feed(self, chunk: bytes, *, is_last: bool = False) -> Iterator[RawJsonValue]:
        """Yield the values that are complete with `chunk`."""
        self._buffer = self._buffer[self._start :] + chunk
        self._position -= self._start
        self._start = 0
        for token in _TOKEN.finditer(self._buffer, self._position):
            character = self._buffer[token.start() : token.start() + 1]
            if character == b'"' and not token["end_quote"] and not is_last:
                break  # the string continues in the next chunk
            self._position = token.end()
            if character in b"[{":
                yield from self._open_bracket(token.start(), token.end())
            elif character in b"]}":
                yield from self._close_bracket(token.start(), token.end())

    def finish(self) -> Iterator[RawJsonValue]:
        """Yield what is left.

        Raises:
            UnreadableBody: an array was not closed.
        """
        yield from self.feed(b"", is_last=True)
        yield from self._cut(len(self._buffer))
        if self._depth and self._level == self._depth:
            raise UnreadableBody("the file ends within an array")

    def _open_bracket(self, start: int, end: int) -> Iterator[RawJsonValue]:
        if self._level == self._depth:
            yield from self._cut(start)
        self._level += 1
        if self._level == self._depth:
            yield from self._cut(start)
            self._start = end

    def _close_bracket(self, start: int, end: int) -> Iterator[RawJsonValue]:
        if self._level == 0:
            return  # without an opening bracket: part of the text between two values
        self._level -= 1
        if self._level == self._depth:
            yield from self._cut(end)
        elif self._level < self._depth:
            yield from self._cut(start)
            self._start = end

    def _cut(self, end: int) -> Iterator[RawJsonValue]:
        """Yield the text from `_start` to `end` as a value, if there is more than commas and whitespace."""
        raw = self._buffer[self._start : end]
        self._start = end
        if value := raw.strip(_WHITESPACE + b","):
            yield RawJsonValue(value, self._line + raw[: raw.index(value)].count(b"\n"))
        self._line += raw.count(b"\n")
