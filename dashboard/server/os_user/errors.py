"""The error of this package. Its message is one line and says what to do."""


class OsUserError(Exception):
    """Runglass can't be run as an unprivileged user, or that user can't use the data directory."""
