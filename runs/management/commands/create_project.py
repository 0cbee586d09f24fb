"""`manage.py create_project`: one more wall between runs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from runs.models import Project, User
from runs.team.memberships import create_project


class Command(BaseCommand):
    help = "Make a project. Its administrator sees it; keys and members come next."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="its name in addresses and commands: letters, digits, - and _")
        parser.add_argument("--name", default="", help="what people call it (default: the same)")
        parser.add_argument("--admin", default="admin", help="who manages it (default: admin)")

    def handle(self, *, slug: str, name: str, admin: str, **_: Any) -> None:
        user = User.objects.filter(username=admin).first()
        if user is None:
            raise CommandError(f"There is no user '{admin}'")
        try:
            Project(slug=slug, name=name or slug).full_clean()
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        create_project(slug, name or slug, user)
        self.stdout.write(f"Project {slug} is ready")
