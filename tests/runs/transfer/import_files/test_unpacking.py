"""Opening compressed files and archives, which are recognized by their content."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from runs.errors import UnreadableBody
from runs.transfer.import_files import ImportSource, open_import_sources, read_json_values, size_limits, unpacking
from tests.runs.transfer.import_files.files import PACK, PLAIN, RUNS, dumped, read, zipped


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("suffix", PACK)
def test_all_file_formats_are_read(tmp_path: Path, content: bytes, suffix: str, mark: bytes) -> None:
    path = tmp_path / f"runs.json{suffix}"
    path.write_bytes(PACK[suffix](mark + content))
    assert read(path) == RUNS


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
        for source in open_import_sources([str(path)]):
            for value in read_json_values(source):
                numbers.append(json.loads(value.raw)["n"])  # noqa: PERF401 - to be kept when it raises

    with pytest.raises(UnreadableBody, match=rf"runs\.json{suffix}: the .* data is damaged"):
        collect()
    assert len(numbers) > 10_000
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("name", ["runs.json.gz", "runs.json.zst", "runs.zip", "runs.tar"])
def test_content_and_not_the_name_tells_the_format(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(PLAIN["lines"])
    assert read(path) == RUNS
    path.write_bytes(PACK[".gz"](PLAIN["array"]))
    assert read(path) == RUNS


@pytest.mark.parametrize("compress", PACK.values())
def test_compressed_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, compress: Any) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(compress(PLAIN["lines"]))))
    assert read("-") == RUNS


# archives


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
    names = [source.name for source in open_import_sources([str(path)])]
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


def tarred(members: dict[str, bytes], *, tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tar_format) as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


TAR_MEMBERS = {
    "folder/a.json": dumped()[0],
    "notes.txt": b"not JSON",
    "./._a.json": b"\x00\x05",
    f"{'long/' * 60}b.jsonl": dumped()[1],
    "c.ndjson.gz": gzip.compress(dumped()[2]),
}


@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("compress", PACK.values())
def test_tar_archive_yields_its_json_files(tmp_path: Path, tar_format: int, compress: Any) -> None:
    members = TAR_MEMBERS
    if tar_format == tarfile.USTAR_FORMAT:  # which has no room for long names
        members = {name.replace("long/" * 60, ""): data for name, data in TAR_MEMBERS.items()}
    path = tmp_path / "runs"
    path.write_bytes(compress(tarred(members, tar_format=tar_format)))
    skipped: list[str] = []
    sources = open_import_sources([str(path)], skipped)
    assert [json.loads(value.raw) for source in sources for value in read_json_values(source)] == RUNS
    assert skipped == [f"{path}/notes.txt", f"{path}/./._a.json"]


def test_zip_in_other_files_is_read(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", {"a.json": PLAIN["array"]}).read_bytes()
    path = tmp_path / "runs"
    path.write_bytes(gzip.compress(tarred({"inner.zip": inner})))
    assert read(path) == RUNS


HEADER = tarfile.BLOCKSIZE
ARCHIVE = tarred({"a.json": PLAIN["lines"], "b.json": dumped()[0]}, tar_format=tarfile.USTAR_FORMAT)
SECOND = ARCHIVE.index(b"b.json")  # the position of the second header


@pytest.mark.parametrize(
    "damaged",
    [
        ARCHIVE[: HEADER + 100],  # cut within the first file
        ARCHIVE[:SECOND],  # cut between two files
        ARCHIVE[: SECOND + 100],  # cut within a header
        ARCHIVE[: SECOND + 120] + b"?" + ARCHIVE[SECOND + 121 :],  # a header with a wrong checksum
    ],
)
@pytest.mark.parametrize("compress", PACK.values())
def test_damaged_tar_archive_is_an_error(tmp_path: Path, damaged: bytes, compress: Any) -> None:
    path = tmp_path / "runs.tar"
    path.write_bytes(compress(damaged))
    with pytest.raises(UnreadableBody, match=r"runs\.tar.*: the tar archive is damaged"):
        read(path)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "the archive has no file to import"),
        ({"runs.csv": b"a,b"}, "the archive has no file to import"),
        ({"[Content_Types].xml": b"<xml/>"}, "the archive is an Office document"),
    ],
)
def test_archive_without_json_is_an_error(tmp_path: Path, members: dict[str, bytes], message: str) -> None:
    path = zipped(tmp_path / "runs.zip", members)
    with pytest.raises(UnreadableBody, match=message):
        read(path)


# limits


def test_blank_archive_member_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size_limits, "_MAX_BLANK_BYTES", 4_000_000)
    path = zipped(tmp_path / "runs.zip", {"a.json": b"[" + b" " * 8_000_000 + b"]", "b.json": dumped()[0]})
    with pytest.raises(UnreadableBody, match=r"a\.json: more than 4,000,000 bytes of whitespace in a row"):
        read(path)


@pytest.mark.parametrize("blank", [b" ", b"\n", b"\t\r\n", b", "])
def test_whitespace_takes_time_in_proportion(blank: bytes) -> None:
    chunks = itertools.chain([b"["], itertools.repeat(blank * (1 << 20), 12), [b'{"a":1}]'])
    source = ImportSource("blank", chunks, io.BytesIO())
    tracemalloc.start()
    try:
        assert [value.raw for value in read_json_values(source)] == [b'{"a":1}']
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("start", [b'{"a": "', b'{"a": ["b"', b"nonsense ", b'[{"a": '])
def test_endless_value_is_given_up(monkeypatch: pytest.MonkeyPatch, start: bytes) -> None:
    monkeypatch.setattr(size_limits, "_MAX_VALUE_BYTES", 8 * 1024 * 1024)
    source = ImportSource("endless", itertools.chain([start], itertools.repeat(b"x" * 65536)), io.BytesIO())
    with pytest.raises(UnreadableBody, match=r"line 1: a value has more than 8,388,608 bytes"):
        list(read_json_values(source))


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".zip"])
def test_excessive_compression_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    monkeypatch.setattr(size_limits, "_MIN_LIMITED_BYTES", 1024 * 1024)
    monkeypatch.setattr(size_limits, "_MAX_RATIO", 100)
    lines = dumped()[2] + b"\n"
    path = tmp_path / f"runs{suffix}"
    content = lines * (8 * 1024 * 1024 // len(lines))
    if suffix == ".zip":
        zipped(path, {"a.json": content})
    else:
        path.write_bytes(PACK[suffix](content))
    with pytest.raises(UnreadableBody, match=r"unpacks to more than .* bytes, over 100 times its size"):
        read(path)


def test_deep_archives_are_given_up(tmp_path: Path) -> None:
    content = PLAIN["lines"]
    for _ in range(3):
        content = gzip.compress(content)
    (tmp_path / "deep.json").write_bytes(content)
    assert read(tmp_path / "deep.json") == RUNS
    (tmp_path / "deep.json").write_bytes(gzip.compress(content))
    with pytest.raises(UnreadableBody, match="nested more than 3 deep"):
        read(tmp_path / "deep.json")


def test_archive_with_too_many_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_ARCHIVE_MEMBERS", 2)
    members = {f"{number}.json": dumped()[0] for number in range(3)}
    path = zipped(tmp_path / "runs.zip", members)
    with pytest.raises(UnreadableBody, match="the archive has more than 2 files"):
        read(path)


def test_long_tar_name_is_not_read(tmp_path: Path) -> None:
    content = tarred({"x" * 2_000_000: b"{}"}, tar_format=tarfile.GNU_FORMAT)
    (tmp_path / "runs.tar").write_bytes(content)
    with pytest.raises(UnreadableBody, match="the tar archive is damaged: a name has 2,000,001 bytes"):
        read(tmp_path / "runs.tar")
