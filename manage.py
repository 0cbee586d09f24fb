#!/usr/bin/env python
"""Entry point of every Runglass command: `uv run manage.py COMMAND`."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db.utils import NotSupportedError, OperationalError
from environs import EnvError


def main() -> None:
    """Run the command. What its user can mend is told in one line; `--traceback` shows where it came from."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    try:
        execute_from_command_line(sys.argv)
    except (EnvError, ImproperlyConfigured, NotSupportedError, OperationalError) as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"Error: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main()
