"""Naming what a file is that holds no JSON."""

from __future__ import annotations

import bz2
import io
import lzma
import pickle

import pytest

from runs.errors import UnreadableBody
from runs.transfer.import_files import ImportSource, read_json_values


def read_text(content: bytes) -> list[bytes]:
    source = ImportSource("runs.json", iter([content]), io.BytesIO())
    return [value.raw for value in read_json_values(source)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (bz2.compress(b"{}"), "data compressed with bzip2"),
        (lzma.compress(b"{}"), "data compressed with xz"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"SQLite format 3\x00\x10", "a SQLite database"),
        (pickle.dumps({"id": "run_1"}), "a Python pickle"),
        (b"<!DOCTYPE html>\n<p>Sign in</p>", "HTML"),
        (b"\n <html><body>503</body></html>", "HTML"),
        (b"<?xml version='1.0'?><Error/>", "XML"),
        (b"<Error><Code>AccessDenied</Code></Error>", "XML"),
        (b"id,object,status\nrun_1,thread.run,failed\n", "CSV"),
        (b'\xef\xbb\xbf"id";"status"\r\n"run_1";"failed"\r\n', "CSV"),
        (b"id\tstatus\nrun_1\tfailed\n", "CSV"),
        (b"id: run_1\nobject: thread.run\n", "YAML"),
        (b"---\nid: run_1\n", "YAML"),
        (b"- id: run_1\n", "YAML"),
        (b"{'id': 'run_1', 'usage': None}", "Python's notation"),
        (b"[{'id': 'run_1'}]", "Python's notation"),
        (b'// exported\n{\n"id": "run_1"}\n', "JSON with comments"),
        (b'/* exported */ {"id": "run_1"}\n', "JSON with comments"),
        (b'{\n  "id": "run_1", // the id\n  "status": "failed"\n}', "JSON with comments"),
        (b'[\n  /* one */ {"id": "http://a//b"}\n]', "JSON with comments"),
    ],
)
def test_foreign_file_is_refused_by_its_format(content: bytes, expected: str) -> None:
    with pytest.raises(UnreadableBody, match=rf"^runs\.json: the file is {expected}"):
        read_text(content)


@pytest.mark.parametrize(
    "content",
    [
        b'{"url": "https://example.org//x", "glob": "/* all */ , // none"}',
        b'["// a", {"id": ", /* b */"}]',
        b'"id","status"',
        b"just some words: and more",
        b"3,4",
    ],
)
def test_text_that_may_be_json_is_read(content: bytes) -> None:
    assert read_text(content)
