"""Splitting the text of a file into JSON values."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterable, Iterator

import pytest

from runs.errors import UnreadableBody
from runs.transfer.import_files import ImportSource, RawJsonValue, json_values, read_json_values


def values(content: bytes | Iterable[bytes]) -> list[RawJsonValue]:
    chunks = iter([content] if isinstance(content, bytes) else content)
    return list(read_json_values(ImportSource("test", chunks, io.BytesIO())))


def raws(content: bytes | Iterable[bytes]) -> list[bytes]:
    return [value.raw for value in values(content)]


def test_chunk_boundaries_do_not_matter(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = values(content)
    for place in range(1, len(content)):
        # small enough that chunks are not joined
        monkeypatch.setattr(json_values, "_CHUNK_SIZE", place)
        assert values([content[:place], content[place:]]) == whole


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_tiny_chunks_are_read(content: bytes, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    whole = values(content)
    monkeypatch.setattr(json_values, "_CHUNK_SIZE", size)
    assert values(content[place : place + size] for place in range(0, len(content), size)) == whole


def test_values_have_line_numbers() -> None:
    spread = b'\n{\n "a": 1\n}\n\n{"b":\n2} junk\n {"c": 3}'
    assert [(value.line, value.raw[:4]) for value in values(spread)] == [
        (2, b'{\n "'), (6, b'{"b"'), (7, b"junk"), (8, b'{"c"'),
    ]  # fmt: skip
    array = b'[\n  {"a": 1},\n\n  {"b":\n  2}, {"c": 3}\n]'
    assert [value.line for value in values(array)] == [2, 4, 5]
    lines = b'\n{"a":1}\n\n{"b":2}'
    assert [value.line for value in values(lines)] == [2, 4]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b" \n ", []),
        (b"[]", []),
        (b"[ ]\n", []),
        # malformed elements are yielded, and so are the others
        (b'[{"a":1},{"b":tru},{"c":3}]', [b'{"a":1}', b'{"b":tru}', b'{"c":3}']),
        (b'[{"a":1},nonsense,{"c":3}]', [b'{"a":1}', b"nonsense", b'{"c":3}']),
        (b'[{"a":1}{"b":2},,{"c":3}]', [b'{"a":1}', b'{"b":2}', b'{"c":3}']),
        (b'{"a":1}\n{"b":\n{"c":3}\n', [b'{"a":1}', b'{"b":', b'{"c":3}']),
        (b'{"a":\n{"b":2}\n{"c":3}\n', [b'{"a":', b'{"b":2}', b'{"c":3}']),
        (b'{"a":1}\n{"b":"\n{"c":3}\n', [b'{"a":1}', b'{"b":"', b'{"c":3}']),
        (b'nonsense\n{"b":2}\n', [b"nonsense", b'{"b":2}']),
        (b'{"a":1} ] {"b":2}', [b'{"a":1}', b"]", b'{"b":2}']),
        (b'{\n"a":1} ] {"b":2}', [b'{\n"a":1}', b"]", b'{"b":2}']),
        (b'[{"a":1}] nonsense [{"b":2}]', [b'{"a":1}', b"nonsense", b'{"b":2}']),
        (b'[1, "x", {"c":3}, null]', [b'1, "x"', b'{"c":3}', b"null"]),
        (b"just text", [b"just text"]),
        (b'{"a": "never closed', [b'{"a": "never closed']),
        (b'{"a": "never closed\\', [b'{"a": "never closed\\']),
        (b"\xff\xff\xff", [b"\xff\xff\xff"]),
        (b"\x0c\n", [b"\x0c"]),
        (b"[\x0c]", [b"\x0c"]),
    ],
)
def test_malformed_values_do_not_affect_others(content: bytes, expected: list[bytes]) -> None:
    assert raws(content) == expected


@pytest.mark.parametrize("cut", [b'[{"a":1},', b'[{"a":1}', b'[{"a":1}]['])
def test_unclosed_array_is_an_error(cut: bytes) -> None:
    values_read = read_json_values(ImportSource("cut.json", iter([cut]), io.BytesIO()))
    assert next(values_read).raw == b'{"a":1}'
    with pytest.raises(UnreadableBody, match=r"cut\.json: the file ends within an array"):
        next(values_read)


def test_concatenated_files_are_read() -> None:
    mark = b"\xef\xbb\xbf"
    assert raws(mark + b'{"a":1}\n' + mark + b'{"b":2}\n') == [b'{"a":1}', b'{"b":2}']


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_other_unicode_encodings_are_read(content: bytes, encoding: str, size: int) -> None:
    encoded = content.decode().encode(encoding)
    pieces = (encoded[place : place + size] for place in range(0, len(encoded), size))
    assert values(pieces) == values(content)


@pytest.mark.parametrize("cut", [b"\xff\xfe{\0\n", b"\xff\xfe\x00\xd8{\x00"])
def test_invalid_utf_16_is_an_error(cut: bytes) -> None:
    with pytest.raises(UnreadableBody, match="test: the text is not valid UTF-16"):
        values(cut)


def test_long_string_is_one_value(monkeypatch: pytest.MonkeyPatch) -> None:
    long = json.dumps({"text": '\\"[{' * 1_300_000}).encode()
    assert len(long) > 5_000_000
    assert raws(b"[" + long + b',{"b":2}]') == [long, b'{"b":2}']
    assert raws(long + b"\n" + b'{"b":2}') == [long, b'{"b":2}']


# memory


def stream(megabytes: int, form: str) -> Iterator[bytes]:
    """Yield `megabytes` of JSON in small chunks."""
    run = json.dumps({"id": "run_1", "text": "x" * 20_000, "nested": {"a": ["]", "}"]}}).encode()
    separator = b"\n" if form == "lines" else b",\n"
    yield b"" if form == "lines" else b"["
    yield run
    for _ in range(megabytes * 1024 * 1024 // len(run)):
        yield separator + run
    yield b"" if form == "lines" else b"]"


@pytest.mark.parametrize("form", ["array", "lines"])
def test_memory_does_not_grow_with_file_size(form: str) -> None:
    source = ImportSource("large", stream(30, form), io.BytesIO())
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_json_values(source))
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert count > 1_000
