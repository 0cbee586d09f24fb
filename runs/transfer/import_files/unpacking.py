"""Open compressed files and archives, which are recognized by their content, within limits of size and depth."""

from __future__ import annotations

import io
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import IO, Self, cast

from runs.errors import UnreadableBody
from runs.ingest.compression import decompress_gzip, decompress_zstd, read_uncompressed
from runs.transfer.import_files.size_limits import MAX_ARCHIVE_DEPTH, MAX_ARCHIVE_MEMBERS, UnpackingLimit

_IMPORT_SUFFIXES = (".json", ".jsonl", ".ndjson", ".sse", ".txt", ".pb", ".zip", ".tar", ".tgz")
# Recordings of event streams are often named so, but so are notes: those in folders and archives are skipped.
_NOTE_SUFFIX = ".txt"
_COMPRESSION_SUFFIXES = (".gz", ".zst")
_RECORDED_TEXT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:[\[{]|(?:event|data|id|retry|):)")
_MAX_SPOOLED_BYTES = 8 * 1024 * 1024  # of an archive inside another that are kept in memory rather than on disk
_MAX_TAR_EXTENSION_BYTES = 1024 * 1024  # of a long name or of pax records, which are read into memory
_TAR_EXTENSION_TYPES = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE)


class ChunkStream:
    """A binary stream of chunks whose start can be looked at before it is read.

    Damage is raised where it is, after everything before it was read.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        """Create a stream over `chunks`, which may raise UnreadableBody."""
        self._chunks = iter(chunks)
        self._buffer = b""
        self._damage: UnreadableBody | None = None

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes, or fewer at the end or before damage, without reading them."""
        try:
            while len(self._buffer) < size and (chunk := next(self._chunks, b"")):
                self._buffer += chunk
        except UnreadableBody as error:
            self._damage = error
        return self._buffer[:size]

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, by default all, none at the end. Raises UnreadableBody."""
        if size < 0:
            return b"".join(self)
        if not self._buffer:
            self._buffer = next(self, b"")
        head, self._buffer = self._buffer[:size], self._buffer[size:]
        return head

    def __iter__(self) -> Self:
        """Return the stream itself, an iterator of chunks."""
        return self

    def __next__(self) -> bytes:
        """Return the next chunk. Raises UnreadableBody."""
        if self._buffer:
            chunk, self._buffer = self._buffer, b""
            return chunk
        if self._damage is not None:
            raise self._damage
        while not (chunk := next(self._chunks)):
            pass
        return chunk


@dataclass(frozen=True, slots=True)
class ImportSource:
    """A file to import, or a member of an archive.

    `name` is shown to users. `file` is the file on disk, whose position tells how much of it was read. `is_named`
    is false for files that were found in a folder or an archive.
    """

    name: str
    chunks: Iterator[bytes]
    file: IO[bytes]
    is_named: bool = True


class ContainerFormat(Enum):
    """A format that holds other files."""

    GZIP = auto()
    ZSTD = auto()
    ZIP = auto()
    TAR = auto()


def has_import_name(name: str) -> bool:
    """Return whether a file in a folder or archive may be read. macOS adds metadata files named `._…` to both."""
    bare_name = _strip_compression(name)
    return bare_name.endswith(_IMPORT_SUFFIXES) and not bare_name.startswith("._")


def _strip_compression(name: str) -> str:
    bare_name = name.rpartition("/")[2].lower()
    for suffix in _COMPRESSION_SUFFIXES:
        bare_name = bare_name.removesuffix(suffix)
    return bare_name


def _is_note(source: ImportSource, stream: ChunkStream) -> bool:
    """Return whether a text file that nobody named is neither a recorded stream nor JSON."""
    if source.is_named or not _strip_compression(source.name).endswith(_NOTE_SUFFIX):
        return False
    return not _RECORDED_TEXT.match(stream.peek(tarfile.BLOCKSIZE))


def detect_container(head: bytes) -> ContainerFormat | None:
    """Return the format that begins with `head`, the first 512 bytes of a file; None if it holds no other file."""
    if head.startswith(b"\x1f\x8b"):
        return ContainerFormat.GZIP
    if head.startswith((b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18")):  # a frame, or a skippable one before it
        return ContainerFormat.ZSTD
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return ContainerFormat.ZIP
    return ContainerFormat.TAR if _is_tar_header(head) else None


def unpack(source: ImportSource, limit: UnpackingLimit, skipped: list[str], depth: int = 0) -> Iterator[ImportSource]:
    """Yield `source`, or the files inside it if it is compressed or an archive.

    What cannot be opened is yielded as a source that raises UnreadableBody when it is read.

    Args:
        source: a file, or a file inside `depth` others.
        limit: what the file on disk may unpack to.
        skipped: the names of members that hold nothing to import are appended to it.
        depth: how many compressed files and archives `source` is inside of.
    """
    stream = ChunkStream(source.chunks)
    opened = replace(source, chunks=stream)
    container = detect_container(stream.peek(tarfile.BLOCKSIZE))
    if container is None:
        if _is_note(source, stream):
            skipped.append(source.name)
        else:
            yield opened
        return
    if depth == MAX_ARCHIVE_DEPTH:
        yield _unreadable(source, f"compressed files and archives are nested more than {MAX_ARCHIVE_DEPTH} deep")
        return
    for member in _open_container(container, opened, stream, limit, skipped, is_on_disk=depth == 0):
        yield from unpack(member, limit, skipped, depth + 1)


def _open_container(
    container: ContainerFormat,
    source: ImportSource,
    stream: ChunkStream,
    limit: UnpackingLimit,
    skipped: list[str],
    *,
    is_on_disk: bool,
) -> Iterator[ImportSource]:
    match container:
        case ContainerFormat.GZIP:
            yield replace(source, chunks=limit.count_unpacked(decompress_gzip(stream)))
        case ContainerFormat.ZSTD:
            yield replace(source, chunks=limit.count_unpacked(decompress_zstd(stream)))
        case ContainerFormat.ZIP:
            try:
                with _open_seekable(source, stream, limit, is_on_disk=is_on_disk) as file:
                    yield from _open_zip_members(source, file, limit, skipped)
            except UnreadableBody as error:
                yield _unreadable(source, error.message)
        case ContainerFormat.TAR:
            yield from _open_tar_members(source, stream, limit, skipped)


@contextmanager
def _open_seekable(
    source: ImportSource, stream: ChunkStream, limit: UnpackingLimit, *, is_on_disk: bool
) -> Iterator[IO[bytes]]:
    """Open an archive so that its members can be read in any order. Raises UnreadableBody."""
    if is_on_disk and source.file.seekable():
        limit.packed_bytes = source.file.seek(0, io.SEEK_END)
        yield source.file
        return
    with tempfile.SpooledTemporaryFile(_MAX_SPOOLED_BYTES) as spooled:
        for chunk in stream:
            spooled.write(chunk)
        yield cast(IO[bytes], spooled)


def _open_zip_members(
    source: ImportSource, file: IO[bytes], limit: UnpackingLimit, skipped: list[str]
) -> Iterator[ImportSource]:
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        yield _unreadable(source, f"the zip archive is damaged: {error}")
        return
    members = [member for member in archive.infolist() if not member.is_dir()]
    found = [member for member in members if has_import_name(member.filename)]
    skipped += (f"{source.name}/{member.filename}" for member in members if not has_import_name(member.filename))
    if not found or len(members) > MAX_ARCHIVE_MEMBERS:
        yield _unreadable(source, _describe_unusable_archive(len(members), [member.filename for member in members]))
        return
    for member in found:
        name = f"{source.name}/{member.filename}"
        try:
            opened = archive.open(member)
        except (zipfile.BadZipFile, RuntimeError) as error:  # RuntimeError: encrypted, or compressed in a rare way
            yield ImportSource(name, _raise_when_read(f"cannot be decompressed: {error}"), source.file)
            continue
        with opened:
            yield ImportSource(name, limit.count_unpacked(read_uncompressed(opened)), source.file, is_named=False)


def _open_tar_members(
    source: ImportSource, stream: ChunkStream, limit: UnpackingLimit, skipped: list[str]
) -> Iterator[ImportSource]:
    names: list[str] = []
    is_found = False
    try:
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|", tarinfo=_BoundedTarInfo) as archive:
            for member in archive:
                if not member.isfile():
                    continue
                names.append(member.name)
                if len(names) > MAX_ARCHIVE_MEMBERS:
                    break
                if not has_import_name(member.name):
                    skipped.append(f"{source.name}/{member.name}")
                elif opened := archive.extractfile(member):
                    is_found = True
                    chunks = limit.count_unpacked(_read_tar_member(opened))  # sparse files may be huge
                    yield ImportSource(f"{source.name}/{member.name}", chunks, source.file, is_named=False)
    except (tarfile.TarError, UnreadableBody) as error:
        yield _unreadable(source, f"the tar archive is damaged: {error}")
        return
    if not is_found or len(names) > MAX_ARCHIVE_MEMBERS:
        yield _unreadable(source, _describe_unusable_archive(len(names), names))


class _BoundedTarInfo(tarfile.TarInfo):
    """A header of a tar archive.

    By default, an archive would silently end at a damaged or missing header, and names would be read into memory
    however long they are.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.type in _TAR_EXTENSION_TYPES and member.size > _MAX_TAR_EXTENSION_BYTES:
            raise tarfile.ReadError(f"a name has {member.size:,} bytes")
        return member

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.HeaderError as error:
            if str(error) == "end of file header":
                raise
            raise tarfile.ReadError(f"{error} at byte {tarfile_.offset:,}") from error


def _read_tar_member(opened: IO[bytes]) -> Iterator[bytes]:
    try:
        yield from read_uncompressed(opened)
    except tarfile.TarError as error:
        raise UnreadableBody(f"the tar archive is damaged: {error}") from error


def _is_tar_header(head: bytes) -> bool:
    """Return whether `head` is the header of a tar archive, which contains its own checksum."""
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _describe_unusable_archive(member_count: int, names: Iterable[str]) -> str:
    if member_count > MAX_ARCHIVE_MEMBERS:
        return f"the archive has more than {MAX_ARCHIVE_MEMBERS:,} files"
    if "[Content_Types].xml" in names:
        return "the archive is an Office document. Export its rows as NDJSON"
    return "the archive has no file to import (.json, .jsonl, .ndjson, .sse, .txt, .pb)"


def _unreadable(source: ImportSource, reason: str) -> ImportSource:
    return ImportSource(source.name, _raise_when_read(reason), source.file)


def _raise_when_read(reason: str) -> Iterator[bytes]:
    raise UnreadableBody(reason)
    yield b""
