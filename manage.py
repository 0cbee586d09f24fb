#!/usr/bin/env python
"""The entry point of all commands: `uv run manage.py COMMAND`."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db.utils import NotSupportedError, OperationalError
from environs import EnvError

from dashboard.server.database import describe_database_error


def main() -> None:
    """Run a command. Errors that its user can fix are printed in one line; `--traceback` shows the traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"Error: {describe_database_error(error)}")
    except (EnvError, ImproperlyConfigured, NotSupportedError) as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"Error: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main()
