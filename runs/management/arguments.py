"""Arguments that several commands share."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import CommandError

from runs.models import Project


def add_project_argument(parser: ArgumentParser) -> None:
    """Add the option `--project SLUG`, by default `default`."""
    parser.add_argument("--project", default="default", metavar="SLUG", help="slug of the project (default: default)")


def resolve_project(slug: str) -> Project:
    """Return the project with the slug `slug`.

    Raises:
        CommandError: there is no such project; the message lists the existing ones.
    """
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        known = ", ".join(Project.objects.values_list("slug", flat=True)) or "none, run `manage.py up` first"
        raise CommandError(f"No project '{slug}' (existing projects: {known})")
    return project
