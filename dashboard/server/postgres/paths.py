"""Paths of the files of a data directory's cluster.

Usually that is `postgres-18` in the data directory. Root runs the server as another user. If that user can't enter the
data directory, for example below a home directory with mode 0700, the files are below /var/lib/runglass, and
`postgres-18` only contains a file with their location. Directories that Runglass did not create keep
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
MAX_SOCKET_DIRECTORY_BYTES = 80  # the path of a Unix socket has at most 103 (macOS) or 107 bytes, file name included


@dataclass(frozen=True)
class ClusterPaths:
    """The directory of one cluster. `os_user` runs the server and owns `data` and the socket directory."""

    directory: Path
    os_user: OsUser

    @property
    def data(self) -> Path:
        """The data directory of Postgres."""
        return self.directory / "data"

    @property
    def password(self) -> Path:
        """The file with the password of the superuser."""
        return self.directory / "password"

    @property
    def log(self) -> Path:
        """The log of the server."""
        return self.directory / "log"

    @property
    def owner_lock(self) -> Path:
        """The lock of the process that runs the server."""
        return self.directory / "owner.lock"

    @property
    def guests_lock(self) -> Path:
        """The lock that other processes share while they use the server."""
        return self.directory / "guests.lock"

    def read_socket_directory(self) -> Path | None:
        """Return the directory where the current server listens; None if no server has written it down."""
        try:
            return Path(os.fsdecode(self._socket_path_file.read_bytes()))
        except FileNotFoundError:
            return None

    def make_socket_directory(self) -> Path:
        """Create a private directory for the server's socket, and write down where it is."""
        self.remove_socket_directory()
        directory = self.directory / "socket"
        if len(os.fsencode(directory)) > MAX_SOCKET_DIRECTORY_BYTES:
            directory = Path(tempfile.mkdtemp(prefix="runglass-", dir="/tmp"))  # mode 0700
        else:
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(mode=0o700)
        self.os_user.take_ownership(directory)
        temporary = self._socket_path_file.with_suffix(".new")
        temporary.write_bytes(os.fsencode(directory))
        temporary.rename(self._socket_path_file)
        return directory

    def remove_socket_directory(self) -> None:
        """Remove the socket directory of a server that has ended, and the file that says where it is."""
        directory = self.read_socket_directory()
        if directory is not None and self._is_own_directory(directory):
            shutil.rmtree(directory)
        self._socket_path_file.unlink(missing_ok=True)

    @property
    def _socket_path_file(self) -> Path:
        return self.directory / "socket.path"

    def _is_own_directory(self, directory: Path) -> bool:
        """Return whether the server's user owns `directory`; somebody else may have reused a name in /tmp."""
        if directory.is_symlink() or not directory.is_dir():
            return False
        return directory.stat().st_uid == self.os_user.uid


def resolve_cluster_paths(data_dir: Path) -> ClusterPaths:
    """Return the paths of the cluster of `data_dir`. Creates the directory if there is none.

    Raises:
        DataDirectoryUnusableError: the directory can't be written, belongs to another user, or only contains a
            cluster of another major version of Postgres.
    """
    home = data_dir / f"postgres-{get_major_version()}"
    try:
        _reject_other_major_versions(home)
        home.mkdir(parents=True, exist_ok=True)
        paths = _read_location_file(home) or _choose_paths(data_dir, home)
        _restrict_permissions(paths)
    except OSError as error:
        raise DataDirectoryUnusableError(
            f"Cannot use the data directory {data_dir}: {error.strerror} ({error.filename}). "
            "Set RUNGLASS_DATA_DIR to a directory that you own"
        ) from error
    return paths


def _reject_other_major_versions(home: Path) -> None:
    others = [path.name for path in home.parent.glob("postgres-[0-9]*") if path != home]
    if others and not home.exists():
        raise DataDirectoryUnusableError(
            f"{home.parent} contains {', '.join(others)}, which {home.name} can't read: export the runs with the "
            "version of Runglass that wrote them, and import them into a new data directory"
        )


def _read_location_file(home: Path) -> ClusterPaths | None:
    try:
        directory = Path(os.fsdecode((home / "location").read_bytes()))
    except FileNotFoundError:
        return None
    return ClusterPaths(directory, choose_os_user(directory / "data"))


def _choose_paths(data_dir: Path, home: Path) -> ClusterPaths:
    """Return paths in `home` if the server's user can enter it, else in the shared directory."""
    os_user = choose_os_user(home / "data")
    if os_user.can_enter(data_dir):
        return ClusterPaths(home, os_user)
    if (home / "data").exists():
        raise DataDirectoryUnusableError(
            f"The user that runs the database (uid {os_user.uid}) cannot enter {home}: "
            "allow it to with chmod o+x on the directories above"
        )
    key = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:16]
    directory = SHARED_DIRECTORY / key / home.name
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    (home / "location").write_bytes(os.fsencode(directory))
    return ClusterPaths(directory, os_user)


def _restrict_permissions(paths: ClusterPaths) -> None:
    """Let only the owner list the directory. If the server runs as another user, that user may pass through."""
    mode = 0o711 if paths.os_user.is_other else 0o700
    if paths.directory.stat().st_mode & 0o777 != mode:
        paths.directory.chmod(mode)
