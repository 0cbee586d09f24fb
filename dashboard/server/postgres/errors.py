"""Errors of the embedded database. Each message is one line and says what to do."""


class EmbeddedPostgresError(Exception):
    """The embedded database can't be used."""


class DataDirectoryInUseError(EmbeddedPostgresError):
    """Another process uses the data directory."""


class DataDirectoryUnusableError(EmbeddedPostgresError):
    """The data directory can't be written, or belongs to another user."""


class PostgresServerError(EmbeddedPostgresError):
    """Postgres exited unexpectedly, or could not be started."""
