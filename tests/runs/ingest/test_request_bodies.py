"""Request bodies are decompressed and split into raw items."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.errors import BodyTooLarge, RunglassError, TooManyObjects, UnreadableBody, UnsupportedBody
from runs.ingest import compression, request_bodies
from runs.ingest.request_bodies import RawItem, RequestBody

JSON, NDJSON = "application/json", "application/x-ndjson"


def raws(body: RequestBody) -> list[bytes]:
    return [item.raw for item in body.items]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"id":1}', RequestBody([RawItem(0, b'{"id":1}')], single=True)),
        (b' {"id":1}\n', RequestBody([RawItem(0, b' {"id":1}\n')], single=True)),
        (b"[]", RequestBody([])),
        (
            b' [ {"a":[1,"]"]} , {"b":"\\"}"} ] ',
            RequestBody([RawItem(0, b'{"a":[1,"]"]}'), RawItem(1, b'{"b":"\\"}"}')]),
        ),
        (b'[1.0,"x",null]', RequestBody([RawItem(0, b"1.0"), RawItem(1, b'"x"'), RawItem(2, b"null")])),
        (
            b'[{"a":1},{"b":tru},{"c":3}]',
            RequestBody([RawItem(0, b'{"a":1}'), RawItem(1, b'{"b":tru}'), RawItem(2, b'{"c":3}')]),
        ),
        (b'{"object":"list","data":[{"a":1}],"has_more":false}', RequestBody([RawItem(0, b'{"a":1}')])),
        (b'{"data": [ {"a":1} ]}', RequestBody([RawItem(0, b'{"a":1}')])),
        (b'{"id":"x","data":[1]}', RequestBody([RawItem(0, b'{"id":"x","data":[1]}')], single=True)),
        (
            b'{"object":"thread.run","data":[1]}',
            RequestBody([RawItem(0, b'{"object":"thread.run","data":[1]}')], single=True),
        ),
        (b'{"object":"list","data":7}', RequestBody([RawItem(0, b'{"object":"list","data":7}')], single=True)),
    ],
)
def test_json_body_is_object_array_or_list(content: bytes, expected: RequestBody) -> None:
    assert request_bodies.parse_body(content, JSON) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b'{"a":1}', [RawItem(0, b'{"a":1}', 1)]),
        (b'{"a":1}\n{"b":2}\n', [RawItem(0, b'{"a":1}', 1), RawItem(1, b'{"b":2}', 2)]),
        (b'\r\n{"a":1}\r\n\r\n  {"b":2}', [RawItem(0, b'{"a":1}', 2), RawItem(1, b'{"b":2}', 4)]),
        (b"broken\n{}", [RawItem(0, b"broken", 1), RawItem(1, b"{}", 2)]),
        # U+2028 ends a line for Python's str, not for JSON
        ('{"a":"\u2028\x85"}\n'.encode(), [RawItem(0, '{"a":"\u2028\x85"}'.encode(), 1)]),
        # a form feed is white space for Python's bytes, not for JSON
        (b'\f\n{"a":1}\v\n', [RawItem(0, b"\f", 1), RawItem(1, b'{"a":1}\v', 2)]),
    ],
)
def test_ndjson_body_has_object_per_line(content: bytes, expected: list[RawItem]) -> None:
    assert request_bodies.parse_body(content, NDJSON) == RequestBody(expected)


@pytest.mark.parametrize(
    "content",
    [
        *(b"{", b"[1", b"[1]]", b"[1] x", b"nonsense", b"", b'{"a":1}{"b":2}', b"[}"),
        *(b"[\f]", b"[\v]", b"[\0]", b"[,]", b"[\x0b,\f]", b"\f[]", b"[]\f", b'\f{"id":1}', b'{"data":[\f]}'),
    ],
)
def test_invalid_json_is_unreadable(content: bytes) -> None:
    with pytest.raises(UnreadableBody):
        request_bodies.parse_body(content, JSON)


@pytest.mark.parametrize("content_type", ["application/json", "APPLICATION/JSON ; charset=UTF-8", " application/json"])
def test_content_type_params_are_ignored(content_type: str) -> None:
    assert request_bodies.parse_body(b"{}", content_type).single


@pytest.mark.parametrize("content_type", ["", "text/json", "application/jsonl"])
def test_other_content_types_are_rejected(content_type: str) -> None:
    with pytest.raises(UnsupportedBody, match="application/json or application/x-ndjson"):
        request_bodies.parse_body(b"{}", content_type)


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"[" + b"0," * 10_000 + b"0]", JSON),
        (b'{"data":[' + b"{}," * 10_000 + b"{}]}", JSON),
        (b"{}\n" * 10_001, NDJSON),
        (b"[" + b"{]," * 10_000 + b"{]]", JSON),
    ],
)
def test_too_many_objects_are_rejected(content: bytes, content_type: str) -> None:
    with pytest.raises(TooManyObjects, match="at most 10,000"):
        request_bodies.parse_body(content, content_type)


def test_maximum_number_of_objects_is_accepted() -> None:
    assert len(request_bodies.parse_body(b"{}\n" * 10_000, NDJSON).items) == 10_000
    assert len(request_bodies.parse_body(b"[" + b"{}," * 9_999 + b"{}]", JSON).items) == 10_000


leaves = st.none() | st.integers() | st.text(max_size=10)
trees = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner), max_leaves=8)


@settings(max_examples=40, deadline=None)
@given(st.lists(trees, max_size=6))
def test_array_is_split_between_elements(elements: list[object]) -> None:
    body = request_bodies.parse_body(json.dumps(elements, indent=1).encode(), JSON)
    assert [json.loads(raw) for raw in raws(body)] == elements


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text('[]{},:"\\ab1 \n').map(str.encode), st.sampled_from([JSON, NDJSON]))
def test_arbitrary_bytes_never_crash_the_parser(content: bytes, content_type: str) -> None:
    try:
        body = request_bodies.parse_body(content, content_type)
    except RunglassError:
        return
    assert [item.index for item in body.items] == list(range(len(body.items)))


# reading


class Slowly(io.RawIOBase):
    """A stream that returns a few bytes at a time."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, size: int = -1) -> bytes:
        piece, self._content = self._content[: min(size, 3)], self._content[min(size, 3) :]
        return piece


CONTENT = b'{"a": 1}\n' * 500
PACKED = {
    "": CONTENT,
    "identity": CONTENT,
    "gzip": gzip.compress(CONTENT),
    "zstd": zstandard.ZstdCompressor().compress(CONTENT),
}


@pytest.mark.parametrize("encoding", PACKED)
def test_content_is_decompressed_in_any_chunks(encoding: str) -> None:
    assert request_bodies.read_body(io.BytesIO(PACKED[encoding]), encoding, 10_000) == CONTENT
    assert request_bodies.read_body(Slowly(PACKED[encoding]), encoding, 10_000) == CONTENT


@pytest.mark.parametrize("encoding", PACKED)
def test_limit_applies_to_decompressed_size(encoding: str) -> None:
    assert request_bodies.read_body(io.BytesIO(PACKED[encoding]), encoding, len(CONTENT)) == CONTENT
    with pytest.raises(BodyTooLarge, match="4,499 bytes"):
        request_bodies.read_body(io.BytesIO(PACKED[encoding]), encoding, len(CONTENT) - 1)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_every_truncation_is_detected(encoding: str) -> None:
    whole = PACKED[encoding]
    for length in range(1, len(whole)):
        with pytest.raises(UnreadableBody, match="damaged"):
            request_bodies.read_body(io.BytesIO(whole[:length]), encoding, 10_000)


def test_byte_order_mark_is_removed() -> None:
    assert request_bodies.read_body(io.BytesIO(b'\xef\xbb\xbf{"a":1}'), "", 100) == b'{"a":1}'


@pytest.mark.parametrize("content", [b"", b" \t\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n", b"\f\v", b"\0\0", b",\n,"])
def test_body_without_content_is_empty(content: bytes) -> None:
    with pytest.raises(UnreadableBody, match="The body is empty"):
        request_bodies.read_body(io.BytesIO(content), "", 100)


def test_unknown_encoding_is_rejected_before_reading() -> None:
    with pytest.raises(UnsupportedBody, match="br"):
        request_bodies.read_body(io.BytesIO(b"x"), "br", 10)


def test_frame_with_large_window_is_rejected() -> None:
    greedy = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters.from_level(3, window_log=27, enable_ldm=True)
    )
    packer = greedy.compressobj()
    content = packer.compress(CONTENT) + packer.flush()
    with pytest.raises(UnreadableBody, match="damaged"):
        request_bodies.read_body(io.BytesIO(content), "zstd", 10_000)
    assert b"".join(compression.decompress_zstd(io.BytesIO(content))) == CONTENT


def test_decompression_bomb_expands_in_chunks() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(200 * 1024 * 1024))
    assert len(bomb) < 10_000
    largest = max(len(piece) for piece in _first(compression.decompress_zstd(io.BytesIO(bomb)), 4))
    assert largest <= 17 * 1024 * 1024


def _first(pieces: Iterator[bytes], count: int) -> list[bytes]:
    return [next(pieces) for _ in range(count)]
