"""Decompress request bodies and split them into raw items, regardless of their outer form. Items are not parsed."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from msgspec import Raw, Struct

from runs.errors import BodyTooLarge, TooManyObjects, UnreadableBody, UnsupportedBody
from runs.ingest.compression import (
    HTTP_MAX_ZSTD_WINDOW,
    ReadableStream,
    decompress_gzip,
    decompress_zstd,
    read_uncompressed,
)
from runs.protocol import lossless_json
from runs.protocol.lossless_json import BLANK_CHARACTERS, JSON_WHITESPACE

MAX_OBJECTS_PER_BODY = 10_000


# A larger body that is not JSON is not parsed again to explain why, since that may take 30 times its size in memory.
_MAX_EXPLAINED_BYTES = 2 * 1024 * 1024
_ABSENT = Raw(b"")


class ListEnvelope(Struct):
    """The members that tell a list envelope from other objects."""

    object: Raw = _ABSENT
    id: Raw = _ABSENT
    data: Raw = _ABSENT


_envelope_decoder = msgspec.json.Decoder(ListEnvelope)


class RawItem(Struct, frozen=True):
    """A posted object as JSON, with its position in the body from 0, and its line in a line-based body from 1.

    The object of an event is at the JSON Pointer `path`, and the event's name may tell its `expected` type.
    """

    index: int
    raw: bytes
    line: int | None = None
    path: str = ""
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class RequestBody:
    """The items of a body; `single` if it is one object, not a list."""

    items: list[RawItem]
    single: bool = False


def read_body(stream: ReadableStream, encoding: str, max_size: int, *, may_be_empty: bool = False) -> bytes:
    """Return the decompressed content of `stream`, without a byte order mark.

    Raises BodyTooLarge as soon as `max_size` bytes are exceeded, so that compressed data can't fill the memory,
    UnsupportedBody for an encoding other than gzip and zstd, and UnreadableBody for damaged data, and for empty bodies
    unless the content `may_be_empty`.
    """
    match encoding.strip().lower():
        case "" | "identity":
            chunks = read_uncompressed(stream, max_size + 1)  # mostly one chunk
        case "gzip":
            chunks = decompress_gzip(stream)
        case "zstd":
            chunks = decompress_zstd(stream, HTTP_MAX_ZSTD_WINDOW)
        case unknown:
            raise UnsupportedBody(f"Unsupported Content-Encoding {unknown}: expected gzip, zstd or none")
    received, size = [], 0
    for chunk in chunks:
        received.append(chunk)
        size += len(chunk)
        if size > max_size:
            raise BodyTooLarge(f"The body is larger than {max_size:,} bytes (after decompression)")
    content = b"".join(received).removeprefix(BOM_UTF8)
    if not may_be_empty and not content.strip(BLANK_CHARACTERS + b","):
        raise UnreadableBody("The body is empty")
    return content


def parse_body(content: bytes, content_type: str) -> RequestBody:
    """Split a body, by its content type, into items: one object, an array, a list envelope, or an object per line.

    Raises UnreadableBody, UnsupportedBody or TooManyObjects.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    match media_type:
        case "application/json":
            body = _parse_json(content)
        case "application/x-ndjson":
            body = _parse_lines(content)
        case _:
            raise UnsupportedBody(
                f"Unsupported Content-Type {media_type or '(none)'}: expected application/json or application/x-ndjson"
            )
    if len(body.items) > MAX_OBJECTS_PER_BODY:
        raise TooManyObjects(
            f"The body has {len(body.items):,} objects; at most {MAX_OBJECTS_PER_BODY:,} are accepted in one request"
        )
    return body


def unwrap_list(members: Mapping[str, bytes]) -> bytes | None:
    """Return the array in a list envelope, None for any other object.

    In Azure's specification, an envelope has no `object`.
    """
    data = members.get("data", b"")
    is_list = members.get("object") == b'"list"' or not {"object", "id"} & members.keys()
    return data if is_list and data.startswith(b"[") else None


def _parse_json(content: bytes) -> RequestBody:
    array = content if content.lstrip(JSON_WHITESPACE)[:1] == b"[" else _find_list_data(content)
    if array is None:
        return RequestBody([RawItem(0, content)], single=True)
    elements = lossless_json.split_array(array, MAX_OBJECTS_PER_BODY)
    return RequestBody([RawItem(index, element) for index, element in enumerate(elements)])


def _find_list_data(content: bytes) -> bytes | None:
    """Return the array in a list envelope, None for any other object. No other members are kept in memory."""
    try:
        content.decode()  # the decoder does not check the encoding of members that it skips
        envelope = _envelope_decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if len(content) > _MAX_EXPLAINED_BYTES:
            raise UnreadableBody(f"not JSON: {error}") from error
        return unwrap_list(lossless_json.split_object(content))
    members = {"object": envelope.object, "id": envelope.id, "data": envelope.data}
    return unwrap_list({name: bytes(raw) for name, raw in members.items() if raw})


def _parse_lines(content: bytes) -> RequestBody:
    lines = ((number, line.strip(JSON_WHITESPACE)) for number, line in enumerate(content.split(b"\n"), 1))
    numbered = ((number, line) for number, line in lines if line)
    return RequestBody([RawItem(index, line, number) for index, (number, line) in enumerate(numbered)])
