"""Django's Postgres backend, which first sees to it that there is a server (`DATA_DIR` in `DATABASES`)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db.backends.postgresql import base, client
from django.db.utils import OperationalError

from dashboard.server.postgres.binaries import find_installed_binaries
from dashboard.server.postgres.errors import EmbeddedPostgresError
from dashboard.server.postgres.sessions import get_postgres_session


class DatabaseClient(client.DatabaseClient):
    """`manage.py dbshell`, with the psql that came along."""

    executable_name = str(find_installed_binaries().psql)

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        server = get_postgres_session(Path(settings_dict["DATA_DIR"])).parameters()
        known = {name.upper(): value for name, value in server.items()}
        return super().settings_to_cmd_args_env({**settings_dict, **known}, parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to the embedded server. Raises OperationalError where there is none to be had."""

    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        try:
            server = get_postgres_session(Path(self.settings_dict["DATA_DIR"])).parameters()
        except EmbeddedPostgresError as error:
            raise OperationalError(str(error)) from error
        return {**super().get_connection_params(), **server}
