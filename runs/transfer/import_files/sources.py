"""Find the files of an import and open them one after the other."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from runs.ingest.compression import read_uncompressed
from runs.transfer.import_files.size_limits import UnpackingLimit
from runs.transfer.import_files.unpacking import ImportSource, has_import_name, unpack

STANDARD_INPUT = "-"


def total_import_size(names: Iterable[str]) -> int | None:
    """Return the size of all files on disk in bytes, or None if standard input is among them.

    Raises:
        OSError: a file does not exist.
    """
    names = list(names)
    if STANDARD_INPUT in names:
        return None
    return sum(path.stat().st_size for name in names for path in _list_files(Path(name)))


def is_import_input(names: Iterable[str], path: Path) -> bool:
    """Return whether `path`, which may not exist yet, is one of the files that `names` stand for."""
    resolved = path.resolve()
    inputs = [Path(name).resolve() for name in names if name != STANDARD_INPUT]
    is_in_folder = any(resolved.is_relative_to(folder) for folder in inputs)
    return resolved in inputs or (is_in_folder and has_import_name(resolved.name))


def find_skipped_files(names: Iterable[str]) -> list[str]:
    """Return the files in folders among `names` that are skipped because of their names."""
    folders = [Path(name) for name in names if name != STANDARD_INPUT]
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return sorted(str(path) for path in paths if not has_import_name(path.name))


def open_import_sources(names: Iterable[str], skipped_members: list[str] | None = None) -> Iterator[ImportSource]:
    """Open the files `names` one after the other: a file, a folder with all files in it, `-` for standard input.

    The content of a file tells how it is compressed, its name does not matter. A damaged file raises only when its
    source is read, so that the files after it can be imported. Files in archives that are skipped because of their
    names, and those in archives and folders because of their content, are appended to `skipped_members`.

    Raises:
        OSError: a file cannot be opened.
    """
    skipped = [] if skipped_members is None else skipped_members
    for name in names:
        if name == STANDARD_INPUT:
            yield from open_import_file("standard input", sys.stdin.buffer, skipped)
            continue
        is_named = not Path(name).is_dir()
        for path in _list_files(Path(name)):
            with path.open("rb") as file:
                yield from open_import_file(str(path), file, skipped, is_named=is_named)


def open_import_file(
    name: str, file: IO[bytes], skipped: list[str], *, is_named: bool = True
) -> Iterator[ImportSource]:
    """Open a file, or the members of an archive. `is_named` says that the user named it rather than its folder."""
    limit = UnpackingLimit()
    source = ImportSource(name, limit.count_packed(read_uncompressed(file)), file, is_named=is_named)
    return unpack(source, limit, skipped)


def _list_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and has_import_name(file.name))
