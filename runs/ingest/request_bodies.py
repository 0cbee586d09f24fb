"""Bytes of any accepted form, taken apart into items. Nothing is checked here but the outer form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from msgspec import Struct

from runs.errors import BodyTooLarge, TooManyObjects, UnsupportedBody
from runs.ingest import compression
from runs.ingest.compression import ReadableStream
from runs.protocol import lossless_json

MAX_OBJECTS_PER_BODY = 10_000
_BOM = b"\xef\xbb\xbf"


class RawItem(Struct, frozen=True):
    """One posted object: its JSON text, its place counted from 0, and its line in a line-based body.

    Within an event it stands at `path`, and the event's name may say what it is `expected` to be.
    """

    index: int
    raw: bytes
    line: int | None = None
    path: str = ""
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class RequestBody:
    """The items of a body; `single` if it was one object by itself."""

    items: list[RawItem]
    single: bool = False


def read_body(stream: ReadableStream, encoding: str, limit: int) -> bytes:
    """The decompressed content of `stream`, at most `limit` bytes of it.

    Raises BodyTooLarge as soon as the limit is passed, so that a small bomb stays small; UnsupportedBody for
    an encoding other than gzip and zstd; UnreadableBody where the compressed data is damaged.
    """
    pieces, length = [], 0
    for piece in _decompress(stream, encoding.strip().lower(), limit):
        pieces.append(piece)
        length += len(piece)
        if length > limit:
            raise BodyTooLarge(f"The body is larger than {limit:,} bytes (after decompression)")
    return b"".join(pieces)


def parse_body(content: bytes, content_type: str) -> RequestBody:
    """Take a body apart by its content type: one object, an array, a list envelope, a line an object.

    Raises UnreadableBody, UnsupportedBody or TooManyObjects.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    parser = _PARSERS.get(media_type)
    if parser is None:
        raise UnsupportedBody(f"Content-Type {media_type or '(none)'} is not accepted; send {' or '.join(_PARSERS)}")
    body = parser(content.removeprefix(_BOM))
    if len(body.items) > MAX_OBJECTS_PER_BODY:
        raise TooManyObjects(
            f"The body holds {len(body.items):,} objects; at most {MAX_OBJECTS_PER_BODY:,} are accepted at once"
        )
    return body


def unwrap_list(members: Mapping[str, bytes]) -> bytes | None:
    """The array in a list envelope; None for any other object. Azure's specification leaves `object` out."""
    data = members.get("data", b"")
    is_list = members.get("object") == b'"list"' or not {"object", "id"} & members.keys()
    return data if is_list and data.startswith(b"[") else None


def _parse_json(content: bytes) -> RequestBody:
    if content.lstrip()[:1] == b"[":
        return _parse_array(content)
    data = unwrap_list(lossless_json.split_object(content))
    return RequestBody([RawItem(0, content)], single=True) if data is None else _parse_array(data)


def _parse_array(raw: bytes) -> RequestBody:
    return RequestBody(
        [RawItem(index, element) for index, element in enumerate(lossless_json.split_array(raw, MAX_OBJECTS_PER_BODY))]
    )


def _parse_lines(content: bytes) -> RequestBody:
    numbered = enumerate(content.split(b"\n"), 1)
    filled = ((number, line.strip()) for number, line in numbered if line.strip())
    return RequestBody([RawItem(index, line, number) for index, (number, line) in enumerate(filled)])


_PARSERS: dict[str, Callable[[bytes], RequestBody]] = {
    "application/json": _parse_json,
    "application/x-ndjson": _parse_lines,
}


def _decompress(stream: ReadableStream, encoding: str, limit: int) -> Iterator[bytes]:
    match encoding:
        case "" | "identity":
            return compression.read_uncompressed(stream, limit + 1)  # in one piece, if it comes as one
        case "gzip":
            return compression.decompress_gzip(stream)
        case "zstd":
            return compression.decompress_zstd(stream, compression.HTTP_MAX_ZSTD_WINDOW)
    raise UnsupportedBody(f"Content-Encoding {encoding} is not accepted; send gzip, zstd or none")
