"""The command `manage.py create_user`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from runs.errors import InvalidMember
from runs.management.arguments import add_project_argument, resolve_project
from runs.management.data_command import DataCommand
from runs.models import Membership
from runs.team.memberships import create_user


class Command(DataCommand):
    """Create a user and print nothing but a one-time password."""

    help = "Create a user who is a member of a project, and print a one-time password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments of the command."""
        parser.add_argument("name", help="user name to sign in with")
        add_project_argument(parser)
        parser.add_argument(
            "--role", choices=Membership.Role.values, default="viewer", help="role in the project (default: viewer)"
        )

    def handle(self, *, name: str, project: str, role: str, **_: Any) -> None:
        """Create the user."""
        try:
            self.stdout.write(create_user(name, resolve_project(project), role))
        except InvalidMember as error:
            raise CommandError(error.message) from error
