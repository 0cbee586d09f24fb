"""The directory of scheduled backups, RUNGLASS_BACKUP_DIR."""

from __future__ import annotations

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def parse_backup_directory(text: str) -> Path | None:
    """Return the directory; None if `text` is empty. Whether it can be written is known when a backup is made.

    Raises ImproperlyConfigured.
    """
    if not text:
        return None
    directory = Path(text).expanduser()
    if not directory.is_absolute():
        raise ImproperlyConfigured(
            f"RUNGLASS_BACKUP_DIR is {text!r}: expected an absolute path, such as /srv/backups/runglass"
        )
    return directory
