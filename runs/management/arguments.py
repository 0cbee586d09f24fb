"""Arguments that several commands share."""

from __future__ import annotations

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import CommandError

from runs.models import Project, User


def add_project_argument(parser: ArgumentParser) -> None:
    """Add the option `--project SLUG`, by default `default`."""
    parser.add_argument("--project", default="default", metavar="SLUG", help="slug of the project (default: default)")


def resolve_project(slug: str) -> Project:
    """Return the project with the slug `slug`.

    Raises:
        CommandError: there is no such project; the message lists the existing ones.
    """
    project = Project.objects.filter(slug=slug).first() if slug.isprintable() else None
    if project is None:
        none = f"none, run `{settings.COMMAND_NAME} up` first"
        known = ", ".join(Project.objects.values_list("slug", flat=True)) or none
        raise CommandError(f"No project {slug!r} (existing projects: {known})")
    return project


def resolve_user(name: str) -> User:
    """Return the user with the user name `name`.

    Raises:
        CommandError: there is no such user.
    """
    user = User.objects.filter(username=name).first() if name.isprintable() else None
    if user is None:
        raise CommandError(f"No user {name!r}")
    return user
