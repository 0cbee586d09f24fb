#!/usr/bin/env python
"""The entry point of all commands in a checkout: `uv run manage.py COMMAND`. An installed wheel has `runglass`."""

from dashboard.command_line import run_command_line

if __name__ == "__main__":
    run_command_line()
