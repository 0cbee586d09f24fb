"""The secret key of an installation that was not given one."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def load_or_create_secret_key(data_dir: Path) -> str:
    """The key kept in `data_dir`, made on first use and readable by its owner alone.

    Raises ImproperlyConfigured where the directory can't be written or the key can't be read.
    """
    path = data_dir / "secret_key"
    try:
        if not path.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            _write_new_key(path)
        return path.read_text()
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data directory {data_dir} can't be used: {error.strerror} ({error.filename}). "
            "Set RUNGLASS_DATA_DIR to a directory that you can write"
        ) from error


def _write_new_key(path: Path) -> None:
    """Write a key to `path`, complete or not at all; of two starters the first wins."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret_key.") as draft:  # mode 0600
        draft.write(secrets.token_urlsafe(50))
        draft.flush()
        os.fsync(draft.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft.name, path)
