"""Errors of backups. Each message is one line and says what to do."""

from __future__ import annotations


class BackupError(Exception):
    """A backup can't be made, read or restored."""
