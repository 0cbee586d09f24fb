"""What can go wrong with the embedded database. Each message is one line that a person can act on."""


class EmbeddedPostgresError(Exception):
    """The embedded database can't be used."""


class DataDirectoryInUseError(EmbeddedPostgresError):
    """Another process owns the database of this data directory."""


class DataDirectoryUnusableError(EmbeddedPostgresError):
    """The data directory can't be written, or belongs to somebody else."""


class PostgresServerError(EmbeddedPostgresError):
    """Postgres was started and ended by itself, or could not be started at all."""
