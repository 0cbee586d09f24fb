"""The secret key of an installation without RUNGLASS_SECRET_KEY."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def load_or_create_secret_key(data_dir: Path) -> str:
    """Return the key that is stored in `data_dir`; create it, readable only by its owner, if there is none.

    Raises ImproperlyConfigured if the directory can't be written or the key can't be read.
    """
    path = data_dir / "secret_key"
    try:
        if not path.exists():
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_new_key(path)
        return path.read_text()
    except OSError as error:
        raise ImproperlyConfigured(
            f"Cannot use the data directory {data_dir}: {error.strerror} ({error.filename}). "
            "Set RUNGLASS_DATA_DIR to a directory that you own"
        ) from error


def _write_new_key(path: Path) -> None:
    """Write a key to `path` atomically. If two processes do so at once, the first one wins."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret_key.") as file:  # mode 0600
        file.write(secrets.token_urlsafe(50))
        file.flush()
        os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(file.name, path)


def replace_secret_key(data_dir: Path, secret_key: str) -> bool:
    """Let `secret_key` replace the one that is stored in `data_dir`. Return false if there is none to replace.

    Raises OSError.
    """
    path = data_dir / "secret_key"
    if not path.exists():
        return False
    temporary = path.with_name(".secret_key.new")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=0o600)
    temporary.write_text(secret_key)
    temporary.replace(path)
    return True
