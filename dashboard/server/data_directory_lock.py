"""The lock of a data directory: one `up` serves it, or one restore fills it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from dashboard.server.postgres.errors import DataDirectoryInUseError
from dashboard.server.postgres.locks import FileLock


@contextmanager
def lock_data_directory(data_dir: Path) -> Generator[None]:
    """Lock the data directory during the block. Raises DataDirectoryInUseError if another process uses it."""
    lock = FileLock(data_dir / "up.lock")
    if not lock.acquire():
        raise DataDirectoryInUseError(
            f"The data directory {data_dir} is in use: {lock.describe_holder()} runs `up` on it. "
            "Stop it, or set RUNGLASS_DATA_DIR to another directory"
        )
    try:
        yield
    finally:
        lock.release()
