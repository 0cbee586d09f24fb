"""Paths of the files of a data directory's cluster: `postgres-18` in the data directory."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dashboard.server.os_user.data_directory import PRIVATE_MODE, prepare_data_directory, restrict_mode
from dashboard.server.os_user.errors import OsUserError
from dashboard.server.os_user.users import OsUser
from dashboard.server.postgres.binaries import get_major_version
from dashboard.server.postgres.errors import DataDirectoryUnusableError
from dashboard.server.postgres.relocation import bring_back_relocated_cluster

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
    def superuser_password(self) -> Path:
        """The file with the password of the superuser, which only sets the database up."""
        return self.directory / "password"

    @property
    def site_password(self) -> Path:
        """The file with the password of the role that the site and the commands use."""
        return self.directory / "site_password"

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
        self.os_user.take_ownership(temporary)
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
    """Return the paths of the cluster of `data_dir`. Creates the directory if there is none, and makes it private.

    Raises:
        DataDirectoryUnusableError: the directory can't be written, belongs to another user, or only contains a
            cluster of another major version of Postgres.
    """
    home = data_dir / f"postgres-{get_major_version()}"
    try:
        _reject_other_major_versions(home)
        bring_back_relocated_cluster(home)
        os_user = prepare_data_directory(data_dir)
        home.mkdir(mode=PRIVATE_MODE, exist_ok=True)
        os_user.take_ownership(home)
        paths = ClusterPaths(home, os_user)
        for directory in (path for path in (home, paths.data) if path.is_dir()):
            restrict_mode(directory)
    except OSError as error:
        raise DataDirectoryUnusableError(
            f"Cannot use the data directory {data_dir}: {error.strerror} ({error.filename}). "
            "Set RUNGLASS_DATA_DIR to a directory that you own"
        ) from error
    except OsUserError as error:
        raise DataDirectoryUnusableError(str(error)) from error
    return paths


def _reject_other_major_versions(home: Path) -> None:
    others = [path.name for path in home.parent.glob("postgres-[0-9]*") if path != home]
    if others and not home.exists():
        raise DataDirectoryUnusableError(
            f"{home.parent} contains {', '.join(others)}, which {home.name} can't read: run `backup PATH` with "
            "the version of Runglass that wrote it, and `restore PATH` with this one and a new RUNGLASS_DATA_DIR"
        )
