"""`manage.py create_user`: a person who may log in, with a password that is printed once."""

from __future__ import annotations

import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from runs.management.arguments import add_project, find_project
from runs.models import Membership, Project, User


class Command(BaseCommand):
    help = "Make a user who is a member of a project, and print a one-time password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the name to log in with")
        add_project(parser)
        parser.add_argument(
            "--role",
            choices=Membership.Role.values,
            default="viewer",
            help="what they may do (default: viewer)",
        )

    def handle(self, *, name: str, project: str, role: str, **_: Any) -> None:
        password = secrets.token_urlsafe(12)
        _create(name, password, find_project(project), role)
        self.stdout.write(password)


@transaction.atomic
def _create(name: str, password: str, project: Project, role: str) -> None:
    user = User(username=name)
    user.set_password(password)
    try:
        user.full_clean()
    except ValidationError as error:
        raise CommandError("; ".join(error.messages)) from error
    user.save()
    Membership.objects.create(user=user, project=project, role=role)
