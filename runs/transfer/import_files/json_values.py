"""Split the text of a file into its JSON values."""

from __future__ import annotations

import itertools
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs.errors import RunglassError, UnreadableBody
from runs.protocol.lossless_json import split_object
from runs.transfer.import_files.foreign_formats import describe_foreign_format
from runs.transfer.import_files.size_limits import limit_blank_text, limit_value_bytes
from runs.transfer.import_files.text_encoding import convert_to_utf8
from runs.transfer.import_files.unpacking import ChunkStream, ImportSource

_CHUNK_SIZE = 1 << 20
_WHITESPACE = b" \t\r\n"  # bytes.strip() would also drop form feeds, which are no whitespace in JSON
_SEPARATORS = _WHITESPACE + b","
# A bracket or a string. The end of the chunk may cut off the string: then the group `end_quote` is empty.
_STRING_REST = rb'(?:[^"\\]++|\\.)*+(?:(?P<end_quote>")|(?P<cut_escape>\\)?\Z)'
_TOKEN = re.compile(rb'"' + _STRING_REST + rb"|[\[\]{}]", re.DOTALL)
_CUT_STRING = re.compile(_STRING_REST, re.DOTALL)


@dataclass(frozen=True, slots=True)
class RawJsonValue:
    """The text of one JSON value, possibly malformed, and the line of the file where it starts."""

    raw: bytes
    line: int


def read_json_values(source: ImportSource) -> Iterator[RawJsonValue]:
    """Yield the JSON values of a file: one per line, the elements of an array, or concatenated values.

    Malformed values are yielded as they are; parsing them later tells what is wrong.

    Raises:
        UnreadableBody: the compressed data is damaged, the file ends within an array, exceeds a limit of
            `size_limits`, or is not JSON at all. All values before that place were yielded.
    """
    chunks = limit_blank_text(_resize_chunks(convert_to_utf8(ChunkStream(source.chunks))))
    try:
        beginning = list(_take_until_text(chunks))
        yield from _split_values(beginning[-1], itertools.chain(beginning, chunks))
    except UnreadableBody as error:
        raise UnreadableBody(f"{source.name}: {error.message}") from error


def _take_until_text(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield `chunks` up to the first one that is not blank."""
    for chunk in chunks:
        yield chunk
        if not chunk.isspace():
            return


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
    """Split a file into values; `head`, its first chunk with text, tells how.

    Raises:
        UnreadableBody: this is no JSON file.
    """
    start = head.lstrip(_WHITESPACE)
    is_array = start[:1] == b"["
    # two lines, because the first one may be malformed
    if not is_array and any(_is_json_object(line) for line in start.split(b"\n", 2)[:-1]):
        return _split_lines(chunks)
    if description := describe_foreign_format(start):
        raise UnreadableBody(f"the file is {description}")
    return _split_at_brackets(chunks, depth=1 if is_array else 0)


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
            if line := line.strip(_WHITESPACE):
                yield RawJsonValue(line.removeprefix(BOM_UTF8), number)  # of files that were concatenated
        rest = rest.lstrip(_WHITESPACE)
        limit_value_bytes(len(rest), number + 1)
    if rest := rest.strip(_WHITESPACE):
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
        self._is_in_string = False  # at that position
        self._line = 1  # of `_start`

    def feed(self, chunk: bytes, *, is_last: bool = False) -> Iterator[RawJsonValue]:
        """Yield the values that are complete with `chunk`.

        Raises:
            UnreadableBody: a value is too large.
        """
        self._buffer = self._buffer[self._start :] + chunk
        self._position -= self._start
        self._start = 0
        if self._is_in_string and (match := _CUT_STRING.match(self._buffer, self._position)):
            self._pass_string(match)
        if not self._is_in_string or is_last:
            yield from self._read_tokens()
        if self._level <= self._depth and not self._buffer[self._start :].strip(_SEPARATORS):
            yield from self._cut(len(self._buffer))  # nothing but whitespace, which must not add up
        limit_value_bytes(len(self._buffer) - self._start, self._line)

    def _read_tokens(self) -> Iterator[RawJsonValue]:
        for token in _TOKEN.finditer(self._buffer, self._position):
            character = self._buffer[token.start() : token.start() + 1]
            if character == b'"':
                self._pass_string(token)
            elif character in b"[{":
                yield from self._open_bracket(token.start(), token.end())
            else:
                yield from self._close_bracket(token.start(), token.end())
        if not self._is_in_string:
            self._position = len(self._buffer)

    def _pass_string(self, match: re.Match[bytes]) -> None:
        """Continue after a string, or where the end of the chunk cuts it off."""
        self._is_in_string = not match["end_quote"]
        self._position = match.start("cut_escape") if match["cut_escape"] else match.end()

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
        if value := raw.strip(_SEPARATORS):
            yield RawJsonValue(value, self._line + raw[: raw.index(value)].count(b"\n"))
        self._line += raw.count(b"\n")
