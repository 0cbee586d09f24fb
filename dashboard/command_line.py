"""The entry point of all commands: `manage.py` in a checkout, and the program `runglass` of the wheel."""

import os
import secrets
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db.utils import NotSupportedError, OperationalError
from environs import EnvError

from dashboard.server.database import describe_database_error
from runs import __version__

# Commands that only print something, in whatever directory.
COMMANDS_WITHOUT_DATA = frozenset({"deploy", "help", "--help", "-h"})


def run_command_line() -> None:
    """Run a command. Errors that its user can fix are printed in one line; `--traceback` shows the traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["version"]):  # Django would print its own
        print(f"runglass {__version__}")
        return
    if not arguments or arguments[0] in COMMANDS_WITHOUT_DATA or {"--help", "-h"} & set(arguments):
        os.environ.setdefault("RUNGLASS_SECRET_KEY", secrets.token_urlsafe(50))  # none is created in a data directory
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
