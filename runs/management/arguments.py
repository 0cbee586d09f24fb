"""What several commands take as arguments."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import CommandError

from runs.models import Project


def add_project_argument(parser: ArgumentParser) -> None:
    """Add `--project SLUG`, the project `default` unless another is named."""
    parser.add_argument("--project", default="default", metavar="SLUG", help="the project (default: default)")


def resolve_project(slug: str) -> Project:
    """The project called `slug`. Raises CommandError, naming those that exist."""
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        known = ", ".join(Project.objects.values_list("slug", flat=True)) or "none yet: run `manage.py up` first"
        raise CommandError(f"There is no project '{slug}' (there is: {known})")
    return project
