"""Tests of the file format: whatever is wrong with a file is found before anything is restored."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard.server.backup.archive import BackupReader, BackupWriter
from dashboard.server.backup.errors import BackupError
from dashboard.server.backup.verification import verify_backup
from tests.dashboard.server.backup.conftest import ignore_progress

PIECES = [b"first piece" * 100, b"second", b""]


def write_archive(secret_key: bytes = b"") -> bytes:
    stream = io.BytesIO()
    writer = BackupWriter(stream)
    writer.add_member("manifest.json", b"{}")
    if secret_key:
        writer.add_member("secret_key", secret_key)
    for piece in PIECES:
        writer.add_dump_piece(piece)
    writer.finish()
    assert writer.size == len(stream.getvalue())
    return stream.getvalue()


def test_pieces_are_read_back() -> None:
    reader = BackupReader(io.BytesIO(write_archive(b"key")))

    assert reader.manifest_json == b"{}"
    assert list(reader.iterate_dump()) == PIECES
    assert reader.secret_key == "key"


def test_tar_reads_the_archive() -> None:
    with tarfile.open(fileobj=io.BytesIO(write_archive())) as archive:
        names = archive.getnames()
        file = archive.extractfile("database.dump.000001")
        assert file is not None
        assert file.read() == PIECES[0]
        assert archive.getmember("manifest.json").mode == 0o600
    assert names == ["manifest.json", *(f"database.dump.00000{n}" for n in (1, 2, 3)), "sha256"]


def test_every_flipped_byte_is_found() -> None:
    content = write_archive()
    checksum_field_end = content.rindex(b"sha256\0") + 154  # two bytes that end a field of the last header mean nothing
    for position in {*range(0, len(content), 7), len(content) - 600} - {checksum_field_end, checksum_field_end + 1}:
        changed = bytearray(content)
        changed[position] ^= 0x20
        with pytest.raises(BackupError):
            list(BackupReader(io.BytesIO(bytes(changed))).iterate_dump())


def test_every_truncation_is_found() -> None:
    content = write_archive()
    for length in range(0, len(content), 13):
        with pytest.raises(BackupError):
            list(BackupReader(io.BytesIO(content[:length])).iterate_dump())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda _: b"", "not a backup of Runglass"),
        (lambda _: b"PGDMP" + bytes(10_000), "not a backup of Runglass"),
        (lambda _: b"%PDF-1.7", "not a backup of Runglass"),
        (lambda content: content[: len(content) // 2], "incomplete: it ends after"),
        (lambda content: content[:-512], "its end is not the one of a backup"),
        (lambda content: content + b"more", "its end is not the one of a backup"),
        (lambda content: content.replace(b'"format": 1', b'"format": 2', 1), "has the format 2, of another version"),
        (lambda content: content.replace(b'"rows": 6', b'"rows": 7', 1), "does not match its checksum"),
        (lambda content: content.replace(b'"rows"', b'"rowz"', 1), "Its manifest is damaged"),
    ],
)
def test_unusable_file_is_refused_with_a_sentence(
    damage: Callable[[Callable[[bytes], bytes]], Path], change: Callable[[bytes], bytes], reason: str
) -> None:
    with pytest.raises(BackupError, match=reason):
        verify_backup(damage(change), ignore_progress)
