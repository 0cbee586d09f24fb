"""The command `manage.py create_project`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from runs.management.arguments import resolve_user
from runs.management.data_command import DataCommand
from runs.models import Project
from runs.team.memberships import create_project


class Command(DataCommand):
    """Create a project and make an existing user its administrator."""

    help = "Create a project. Only its administrator can see it until API keys and members are added."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments of the command."""
        parser.add_argument("slug", help="identifier in URLs and commands: letters, digits, - and _")
        parser.add_argument("--name", default="", help="display name (default: the slug)")
        parser.add_argument("--admin", default="admin", help="user name of the administrator (default: admin)")

    def handle(self, *, slug: str, name: str, admin: str, **_: Any) -> None:
        """Create the project."""
        user = resolve_user(admin)
        if not name.isprintable():
            raise CommandError("The name contains characters that cannot be printed")
        try:
            Project(slug=slug, name=name or slug).full_clean()
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        create_project(slug, name or slug, user)
        self.stdout.write(f"Created project {slug}")
