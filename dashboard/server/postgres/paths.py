"""Where the files of one data directory's cluster are.

Usually that is `postgres-18` in the data directory. Root has to lend the cluster to another user; where the
data directory lies in a place that this user can't enter, like a home with mode 0700, the files go below
/var/lib/runglass instead and `postgres-18` only keeps a note of where. Directories that aren't ours keep
their modes and owners.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dashboard.server.postgres.binaries import get_major_version
from dashboard.server.postgres.errors import DataDirectoryUnusableError
from dashboard.server.postgres.os_user import OsUser, choose_os_user

SHARED_DIRECTORY = Path("/var/lib/runglass")
MAX_SOCKET_DIRECTORY_BYTES = 80  # Unix socket paths end at 103 (macOS) or 107 bytes, file name included


@dataclass(frozen=True)
class ClusterPaths:
    """One cluster's directory. `account` runs the server and owns `data` and the socket directory."""

    directory: Path
    account: OsUser

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def password(self) -> Path:
        return self.directory / "password"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def owner_lock(self) -> Path:
        return self.directory / "owner.lock"

    @property
    def guests_lock(self) -> Path:
        return self.directory / "guests.lock"

    def socket_directory(self) -> Path | None:
        """Where the present server listens, as the process that owns it wrote down; None while nobody has."""
        try:
            return Path(os.fsdecode(self._socket_note.read_bytes()))
        except FileNotFoundError:
            return None

    def make_socket_directory(self) -> Path:
        """Make a private directory for the server's socket and write down where it is."""
        self.remove_socket_directory()
        directory = self.directory / "socket"
        if len(os.fsencode(directory)) > MAX_SOCKET_DIRECTORY_BYTES:
            directory = Path(tempfile.mkdtemp(prefix="runglass-", dir="/tmp"))  # mode 0700
        else:
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(mode=0o700)
        self.account.give(directory)
        draft = self._socket_note.with_suffix(".new")
        draft.write_bytes(os.fsencode(directory))
        draft.rename(self._socket_note)
        return directory

    def remove_socket_directory(self) -> None:
        """Remove the socket directory of a server that has ended, and the note of it."""
        directory = self.socket_directory()
        if directory is not None and self._is_ours(directory):
            shutil.rmtree(directory)
        self._socket_note.unlink(missing_ok=True)

    @property
    def _socket_note(self) -> Path:
        return self.directory / "socket.path"

    def _is_ours(self, directory: Path) -> bool:
        """A name in /tmp may be somebody else's by now."""
        if directory.is_symlink() or not directory.is_dir():
            return False
        return directory.stat().st_uid == self.account.uid


def resolve_cluster_paths(data_dir: Path) -> ClusterPaths:
    """Find or make the place of `data_dir`'s cluster.

    Raises DirectoryUnusableError where that can't be written, belongs to another user, or holds a cluster of
    another major version only.
    """
    home = data_dir / f"postgres-{get_major_version()}"
    try:
        _reject_other_major_versions(home)
        home.mkdir(parents=True, exist_ok=True)
        place = _read_location_file(home) or _choose_paths(data_dir, home)
        _restrict_permissions(place)
    except PermissionError as error:
        raise DataDirectoryUnusableError(
            f"The data directory {data_dir} can't be used: {error.strerror} ({error.filename}). "
            "It may belong to another user; set RUNGLASS_DATA_DIR to a directory of your own"
        ) from error
    except OSError as error:
        raise DataDirectoryUnusableError(f"The data directory {data_dir} can't be used: {error}") from error
    return place


def _reject_other_major_versions(home: Path) -> None:
    others = [path.name for path in home.parent.glob("postgres-[0-9]*") if path != home]
    if others and not home.exists():
        raise DataDirectoryUnusableError(
            f"{home.parent} holds {', '.join(others)}, which {home.name} can't read: export the runs with "
            "the version of Runglass that wrote them, and import them into a new data directory"
        )


def _read_location_file(home: Path) -> ClusterPaths | None:
    try:
        directory = Path(os.fsdecode((home / "location").read_bytes()))
    except FileNotFoundError:
        return None
    return ClusterPaths(directory, choose_os_user(directory / "data"))


def _choose_paths(data_dir: Path, home: Path) -> ClusterPaths:
    account = choose_os_user(home / "data")
    if account.can_enter(data_dir):
        return ClusterPaths(home, account)
    if (home / "data").exists():
        raise DataDirectoryUnusableError(
            f"{home} can't be entered by the user that its database runs as (uid {account.uid}), "
            "because of the mode of a directory above it"
        )
    key = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:16]
    directory = SHARED_DIRECTORY / key / home.name
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    (home / "location").write_bytes(os.fsencode(directory))
    return ClusterPaths(directory, account)


def _restrict_permissions(place: ClusterPaths) -> None:
    """Only its owner lists it; a lent account may pass through to what is its own."""
    mode = 0o711 if place.account.lent else 0o700
    if place.directory.stat().st_mode & 0o777 != mode:
        place.directory.chmod(mode)
