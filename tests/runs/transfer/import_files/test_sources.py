"""Finding and opening the files of an import."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from runs.transfer.import_files import is_import_input, total_import_size
from tests.runs.transfer.import_files.files import PACK, PLAIN, RUNS, dumped, read


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
        total_import_size([str(tmp_path / "missing.json")])


def test_total_size_counts_bytes_on_disk(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"12345")
    (tmp_path / "b.json.gz").write_bytes(b"123")
    (tmp_path / "c.csv").write_bytes(b"1")
    assert total_import_size([str(tmp_path), str(tmp_path / "c.csv")]) == 9
    assert total_import_size([str(tmp_path), "-"]) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("data/a.json", True),
        ("data/new.jsonl", True),
        ("data/new.txt", True),
        ("data/new.log", False),
        ("a.json", False),
        ("x.txt", True),
    ],
)
def test_future_inputs_are_recognized(tmp_path: Path, name: str, expected: bool) -> None:
    (tmp_path / "data").mkdir()
    assert is_import_input(["-", str(tmp_path / "data"), str(tmp_path / "x.txt")], tmp_path / name) is expected
