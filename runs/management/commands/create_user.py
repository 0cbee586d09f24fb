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
        parser.add_argument(
            "--admin",
            action="store_true",
            help="make the user an administrator of the instance and of the project, who can sign in with the one-time "
            "password even if RUNGLASS_PASSWORD_LOGIN is off",
        )

    def handle(self, *, name: str, project: str, role: str, admin: bool, **_: Any) -> None:
        """Create the user."""
        try:
            role = Membership.Role.ADMIN if admin else role
            self.stdout.write(create_user(name, resolve_project(project), role, is_instance_admin=admin))
        except InvalidMember as error:
            raise CommandError(error.message) from error
