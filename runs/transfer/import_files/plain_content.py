"""Read files that are not JSON: the lines of a recorded event stream, and a message in protobuf."""

from __future__ import annotations

from collections.abc import Iterator

from runs.errors import UnreadableBody
from runs.transfer.import_files.size_limits import limit_value_bytes
from runs.transfer.import_files.text_encoding import convert_to_utf8
from runs.transfer.import_files.unpacking import ChunkStream, ImportSource


def read_text_lines(source: ImportSource) -> Iterator[bytes]:
    """Yield the lines of a file without their ends.

    Raises:
        UnreadableBody: the compressed data is damaged, or a line is too long. All lines before were yielded.
    """
    rest, count = b"", 0
    try:
        for chunk in convert_to_utf8(ChunkStream(source.chunks)):
            *lines, rest = (rest + chunk).splitlines(keepends=True)
            yield from (line.rstrip(b"\r\n") for line in lines)
            count += len(lines)
            limit_value_bytes(len(rest), count + 1)
    except UnreadableBody as error:
        raise UnreadableBody(f"{source.name}: {error.message}") from error
    if rest:
        yield rest.rstrip(b"\r\n")


def read_protobuf(source: ImportSource) -> bytes:
    """Return the content of a file. Raises UnreadableBody if it is damaged or too large."""
    content = bytearray()
    try:
        for chunk in source.chunks:
            content += chunk
            limit_value_bytes(len(content), 1)
    except UnreadableBody as error:
        raise UnreadableBody(f"{source.name}: {error.message}") from error
    return bytes(content)
