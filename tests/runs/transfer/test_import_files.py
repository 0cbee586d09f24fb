"""Reading files, folders and archives as streams of JSON values."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from runs.errors import UnreadableBody
from runs.transfer import import_files
from runs.transfer.import_files import ImportSource, RawJsonValue

RUNS: list[dict[str, Any]] = [
    {"id": "run_1", "tools": [], "text": 'brackets ]}[{ and "quotes" \\ and \\" both'},
    {"id": "run_2", "nested": {"a": [[1, 2], {"b": "ü\u2028 😀"}]}},
    {"id": "run_3", "long": "x" * 300},
]


def dumped(**options: Any) -> list[bytes]:
    return [json.dumps(run, ensure_ascii=False, **options).encode() for run in RUNS]


PLAIN: dict[str, bytes] = {
    "array": b"[" + b",".join(dumped()) + b"]",
    "array, spread out": json.dumps(RUNS, indent=2).encode(),
    "array a line": b"[\n" + b",\n".join(dumped()) + b"\n]\n",
    "two arrays": b"[" + dumped()[0] + b"]\n[" + b",".join(dumped()[1:]) + b"]",
    "lines": b"\n".join(dumped()),
    "lines, blank ones too": b"\n\n  \n" + b"\n\n".join(dumped()) + b"\n\n",
    "lines of Windows": b"\r\n".join(dumped()) + b"\r\n",
    "one after the other": b"".join(dumped()),
    "spread out, one after the other": b"\n".join(dumped(indent=2)),
}
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": lambda content: zstandard.ZstdCompressor().compress(content),
}


def read(*paths: Path | str) -> list[Any]:
    return [
        json.loads(value.raw)
        for source in import_files.open_import_sources(map(str, paths))
        for value in import_files.read_json_values(source)
    ]


def values(content: bytes | Iterable[bytes]) -> list[RawJsonValue]:
    chunks = iter([content] if isinstance(content, bytes) else content)
    return list(import_files.read_json_values(ImportSource("test", chunks, io.BytesIO())))


def raws(content: bytes | Iterable[bytes]) -> list[bytes]:
    return [value.raw for value in values(content)]


@pytest.fixture(params=PLAIN)
def content(request: pytest.FixtureRequest) -> bytes:
    return PLAIN[request.param]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("suffix", PACK)
def test_all_file_formats_are_read(tmp_path: Path, content: bytes, suffix: str, mark: bytes) -> None:
    path = tmp_path / f"runs.json{suffix}"
    path.write_bytes(PACK[suffix](mark + content))
    assert read(path) == RUNS


def test_chunk_boundaries_do_not_matter(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = values(content)
    for place in range(1, len(content)):
        # small enough that chunks are not joined
        monkeypatch.setattr(import_files, "_CHUNK_SIZE", place)
        assert values([content[:place], content[place:]]) == whole


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_tiny_chunks_are_read(content: bytes, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    whole = values(content)
    monkeypatch.setattr(import_files, "_CHUNK_SIZE", size)
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
        (b"\xff\xfe\x00", [b"\xff\xfe\x00"]),
    ],
)
def test_malformed_values_do_not_affect_others(content: bytes, expected: list[bytes]) -> None:
    assert raws(content) == expected


@pytest.mark.parametrize("cut", [b'[{"a":1},', b'[{"a":1}', b'[{"a":1}]['])
def test_unclosed_array_is_an_error(cut: bytes) -> None:
    values_read = import_files.read_json_values(ImportSource("cut.json", iter([cut]), io.BytesIO()))
    assert next(values_read).raw == b'{"a":1}'
    with pytest.raises(UnreadableBody, match=r"cut\.json: the file ends within an array"):
        next(values_read)


def test_long_string_is_one_value(monkeypatch: pytest.MonkeyPatch) -> None:
    long = json.dumps({"text": '\\"[{' * 1_300_000}).encode()
    assert len(long) > 5_000_000
    assert raws(b"[" + long + b',{"b":2}]') == [long, b'{"b":2}']
    assert raws(long + b"\n" + b'{"b":2}') == [long, b'{"b":2}']


# damage


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("form", ["array a line", "lines"])
def test_values_before_damage_are_read(tmp_path: Path, suffix: str, form: str) -> None:
    path = tmp_path / f"runs.json{suffix}"
    lines = [json.dumps({"n": number}).encode() for number in range(50_000)]
    body = b"\n".join(lines) if form == "lines" else b"[" + b",\n".join(lines) + b"]"
    path.write_bytes(PACK[suffix](body)[:-10_000])
    numbers: list[int] = []

    def collect() -> None:
        for source in import_files.open_import_sources([str(path)]):
            for value in import_files.read_json_values(source):
                numbers.append(json.loads(value.raw)["n"])  # noqa: PERF401 - to be kept when it raises

    with pytest.raises(UnreadableBody, match=rf"runs\.json{suffix}: the .* data is damaged"):
        collect()
    assert len(numbers) > 10_000
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize(("suffix", "what"), [(".gz", "gzip"), (".zst", "zstd"), (".zip", "not a zip archive")])
def test_uncompressed_data_with_suffix_is_an_error(tmp_path: Path, suffix: str, what: str) -> None:
    path = tmp_path / f"runs.json{suffix}"
    path.write_bytes(PLAIN["lines"])
    with pytest.raises(UnreadableBody, match=what) as raised:
        read(path)
    assert str(path) in str(raised.value)


# archives and folders


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_zip_archive_yields_its_json_files(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", {"deep.json": dumped()[2]})
    members = {
        "folder/a.json": dumped()[0],
        "notes.txt": b"not JSON",
        "b.ndjson.gz": gzip.compress(dumped()[1]),
        "__MACOSX/._a.json": b"\x00\x05\x16\x07",
        "inner.zip": inner.read_bytes(),
    }
    path = zipped(tmp_path / "runs.zip", members)
    assert read(path) == RUNS
    names = [source.name for source in import_files.open_import_sources([str(path)])]
    assert names == [f"{path}/folder/a.json", f"{path}/b.ndjson.gz", f"{path}/inner.zip/deep.json"]


def test_damaged_archive_member_is_named(tmp_path: Path) -> None:
    path = zipped(tmp_path / "runs.zip", {"a.json": PLAIN["lines"] * 50})
    content = bytearray(path.read_bytes())
    content[60:70] = bytes(10)
    path.write_bytes(content)
    with pytest.raises(UnreadableBody, match=r"runs\.zip/a\.json: the zip data is damaged"):
        read(path)


def test_encrypted_archive_is_an_error(tmp_path: Path) -> None:
    path = zipped(tmp_path / "runs.zip", {"a.json": b"{}"})
    content = bytearray(path.read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1
    path.write_bytes(content)
    with pytest.raises(UnreadableBody, match=r"a\.json: cannot be decompressed: .*encrypted"):
        read(path)


def test_folder_yields_its_json_files_sorted(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.NDJSON").write_bytes(dumped()[1])
    (tmp_path / "a.json").write_bytes(dumped()[0])
    (tmp_path / "c.jsonl.zst").write_bytes(PACK[".zst"](dumped()[2]))
    for ignored in ("notes.txt", "._a.json", "b/archive.gz", "json"):
        (tmp_path / ignored).write_bytes(b"not JSON")
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    assert read(tmp_path) == RUNS


def test_named_file_is_read_whatever_its_suffix(tmp_path: Path) -> None:
    path = tmp_path / "without suffix"
    path.write_bytes(PLAIN["lines"])
    assert read(path) == RUNS


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert read("-") == RUNS


def test_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "missing.json")
    with pytest.raises(FileNotFoundError):
        import_files.total_import_size([str(tmp_path / "missing.json")])


def test_total_size_counts_bytes_on_disk(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"12345")
    (tmp_path / "b.json.gz").write_bytes(b"123")
    (tmp_path / "c.txt").write_bytes(b"1")
    assert import_files.total_import_size([str(tmp_path), str(tmp_path / "c.txt")]) == 9
    assert import_files.total_import_size([str(tmp_path), "-"]) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("data/a.json", True),
        ("data/new.jsonl", True),
        ("data/new.txt", False),
        ("a.json", False),
        ("x.txt", True),
    ],
)
def test_future_inputs_are_recognized(tmp_path: Path, name: str, expected: bool) -> None:
    (tmp_path / "data").mkdir()
    assert (
        import_files.is_import_input(["-", str(tmp_path / "data"), str(tmp_path / "x.txt")], tmp_path / name)
        is expected
    )


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
        count = sum(1 for _ in import_files.read_json_values(source))
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert count > 1_000
