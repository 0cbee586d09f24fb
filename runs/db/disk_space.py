"""A full disk: writes are refused while there is still room for what the server itself must write.

Without room for its write-ahead log, Postgres stops, and then nobody can read either.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import DatabaseError, connection

from runs.errors import DiskFull

RESERVED_BYTES = 64 * 1024 * 1024
MAX_RESERVED_FRACTION = 20  # of small volumes: a twentieth


def has_disk_space() -> bool:
    """Return whether the volume of the embedded server has room for posts. True for a server elsewhere."""
    data_dir = connection.settings_dict.get("DATA_DIR")
    if data_dir is None:
        return True
    disk = shutil.disk_usage(data_dir)
    return disk.free > min(RESERVED_BYTES, disk.total // MAX_RESERVED_FRACTION)


@contextmanager
def disk_space_for_writes() -> Iterator[None]:
    """Raise DiskFull if there is no room for the writes of this block, or if Postgres says so."""
    if not has_disk_space():
        raise DiskFull
    try:
        yield
    except DatabaseError as error:
        if is_disk_full(error):
            raise DiskFull from error
        raise


def is_disk_full(error: Exception) -> bool:
    """Return whether Postgres could not write since its disk is full."""
    return isinstance(error.__cause__, psycopg.errors.DiskFull)
