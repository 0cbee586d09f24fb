"""A pytest plugin that starts a temporary embedded Postgres server for the tests, unless DATABASE_URL is set.

The option `-p tests.postgres` loads it before pytest-django reads the settings. Workers of pytest-xdist inherit
DATABASE_URL and start nothing. The data directory is always temporary.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from urllib.parse import quote

import pytest

from dashboard.server.postgres.cluster import DATABASE_NAME, get_or_create_cluster
from dashboard.server.postgres.paths import resolve_cluster_paths
from dashboard.server.postgres.postgres_settings import THROWAWAY_SETTINGS
from dashboard.server.postgres.server import PostgresServer
from dashboard.server.postgres.site_role import SITE_ROLE


class ThrowawayServer:
    """A server in a temporary data directory, which the environment variables point to until it is removed."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="runglass-tests-"))
        (self._directory / "static").mkdir()
        os.environ["RUNGLASS_DATA_DIR"] = str(self._directory)
        self._server: PostgresServer | None = None

    def start(self) -> None:
        self._server = PostgresServer(get_or_create_cluster(resolve_cluster_paths(self._directory), THROWAWAY_SETTINGS))
        self._server.start()
        with self._server.connect_as_superuser(DATABASE_NAME) as superuser:
            superuser.execute(f"ALTER ROLE {SITE_ROLE} CREATEDB")
        params = self._server.connection_params
        user, password, host = (quote(params[name], safe="") for name in ("user", "password", "host"))
        os.environ["DATABASE_URL"] = f"postgresql://{user}:{password}@{host}:5432/{DATABASE_NAME}"

    def remove(self) -> None:
        os.environ.pop("RUNGLASS_DATA_DIR", None)
        try:
            if self._server is not None:
                os.environ.pop("DATABASE_URL", None)
                self._server.stop()
        finally:
            shutil.rmtree(self._directory)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        server = ThrowawayServer()
        early_config.add_cleanup(server.remove)
        if not os.environ.get("DATABASE_URL"):
            server.start()
    return (yield)
