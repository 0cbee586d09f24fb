"""The command `manage.py reset_password`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from runs.management.arguments import resolve_user
from runs.management.data_command import DataCommand
from runs.team.passwords import set_one_time_password
from runs.team.sign_in_limits import forget_attempts


class Command(DataCommand):
    """Give a user a one-time password and print nothing but the password."""

    help = "Give a user a new one-time password and print it. All sessions of the user end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments of the command."""
        parser.add_argument("name", help="user name")

    def handle(self, *, name: str, **_: Any) -> None:
        """Set the password. The user can sign in with it at once."""
        user = resolve_user(name)
        password = set_one_time_password(user)
        user.save()
        forget_attempts(user.username)
        self.stdout.write(password)
