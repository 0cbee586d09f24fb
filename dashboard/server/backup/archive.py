"""The file format of backups: a tar archive that can be written and read in one pass.

Its members are `manifest.json`, perhaps `secret_key`, `database.dump.000001` and so on, and `sha256`, the checksum of
all bytes before that member. Without Runglass, `tar -xf FILE && cat database.dump.* | pg_restore …` restores it.
"""

from __future__ import annotations

import hashlib
import tarfile
import time
from collections.abc import Iterator
from typing import Protocol

from dashboard.server.backup.errors import BackupError

MANIFEST_MEMBER, SECRET_KEY_MEMBER, CHECKSUM_MEMBER = "manifest.json", "secret_key", "sha256"
DUMP_PREFIX = "database.dump."
PIECE_BYTES = 4 * 1024 * 1024
MAX_MEMBER_BYTES = 64 * 1024 * 1024  # a damaged header must not make us read gigabytes
END_OF_ARCHIVE = bytes(2 * tarfile.BLOCKSIZE)


class BackupOutput(Protocol):
    """A stream that a backup can be written to."""

    def write(self, data: bytes, /) -> object:
        """Write all of `data`."""


class BackupInput(Protocol):
    """A stream that a backup can be read from."""

    def read(self, size: int, /) -> bytes:
        """Read `size` bytes; fewer at the end."""


class BackupWriter:
    """Writes the members of a backup, in their order, to a stream. `size` is the number of bytes so far."""

    def __init__(self, stream: BackupOutput) -> None:
        """Prepare to write to `stream`."""
        self.size = 0
        self._stream = stream
        self._digest = hashlib.sha256()
        self._piece_count = 0

    def add_member(self, name: str, content: bytes) -> None:
        """Write a member."""
        header = tarfile.TarInfo(name)
        header.size, header.mode, header.mtime = len(content), 0o600, int(time.time())
        padding = bytes(-len(content) % tarfile.BLOCKSIZE)
        self._write(header.tobuf(tarfile.USTAR_FORMAT) + content + padding)

    def add_dump_piece(self, piece: bytes) -> None:
        """Write the next piece of the dump."""
        self._piece_count += 1
        self.add_member(f"{DUMP_PREFIX}{self._piece_count:06}", piece)

    def finish(self) -> None:
        """Write the checksum, without which no reader accepts the backup."""
        self.add_member(CHECKSUM_MEMBER, f"{self._digest.hexdigest()}\n".encode())
        self._write(END_OF_ARCHIVE)

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._digest.update(data)
        self.size += len(data)


class BackupReader:
    """Reads the members of a backup, in their order. `position` is the number of bytes read so far.

    Every method raises BackupError for a file that is no backup, is incomplete or damaged.
    """

    def __init__(self, stream: BackupInput) -> None:
        """Read the manifest from `stream`."""
        self.position = 0
        self.secret_key = ""  # known once the dump is read
        self._stream = stream
        self._digest = hashlib.sha256()
        try:
            self.manifest_json = dict([self._read_member()])[MANIFEST_MEMBER]
        except (BackupError, KeyError) as error:
            raise BackupError("It is not a backup of Runglass, or its beginning is damaged") from error

    def iterate_dump(self) -> Iterator[bytes]:
        """Yield the pieces of the dump. After the last one, the checksum of the whole file is compared."""
        piece_count = 0
        while True:
            expected_checksum = self._digest.hexdigest()
            name, content = self._read_member()
            if name == CHECKSUM_MEMBER:
                break
            if name == SECRET_KEY_MEMBER and not piece_count:
                self.secret_key = content.decode(errors="replace")
                continue
            piece_count += 1
            if name != f"{DUMP_PREFIX}{piece_count:06}":
                raise BackupError(f"It is damaged: {name!r} follows piece {piece_count - 1} of the dump")
            yield content
        if content.decode(errors="replace").strip() != expected_checksum:
            raise BackupError("It is damaged: its content does not match its checksum")
        if self._stream.read(len(END_OF_ARCHIVE) + 1) != END_OF_ARCHIVE:
            raise BackupError("It is damaged: its end is not the one of a backup")

    def _read_member(self) -> tuple[str, bytes]:
        try:
            header = tarfile.TarInfo.frombuf(self._read(tarfile.BLOCKSIZE), "utf-8", "replace")
        except tarfile.HeaderError as error:
            raise BackupError(f"It is damaged at byte {self.position - tarfile.BLOCKSIZE:,}") from error
        if not 0 <= header.size <= MAX_MEMBER_BYTES:
            raise BackupError(f"It is damaged at byte {self.position - tarfile.BLOCKSIZE:,}")
        content = self._read(header.size)
        if any(self._read(-header.size % tarfile.BLOCKSIZE)):
            raise BackupError(f"It is damaged before byte {self.position:,}")
        return header.name, content

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.position += len(data)
        if len(data) < size:
            raise BackupError(f"It is incomplete: it ends after {self.position:,} bytes")
        self._digest.update(data)
        return data
