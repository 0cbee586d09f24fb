"""The command `manage.py unlock_user`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from runs.management.arguments import resolve_user
from runs.management.data_command import DataCommand
from runs.team.sign_in_limits import forget_attempts


class Command(DataCommand):
    """End the wait of a user after failed sign-ins."""

    help = "Let a user sign in again at once after too many failed attempts. The password stays the same."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments of the command."""
        parser.add_argument("name", help="user name")

    def handle(self, *, name: str, **_: Any) -> None:
        """Forget the failed attempts."""
        user = resolve_user(name)
        had_limits = forget_attempts(user.username) > 0
        self.stdout.write(f"{user.username} can sign in now" if had_limits else f"{user.username} had not to wait")
