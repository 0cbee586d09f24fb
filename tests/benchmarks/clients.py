"""Clients of a benchmark, which send whole requests within this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.test import Client

    from runs.models import Project


def create_api_client(project: Project) -> Client:
    """Return a client of the REST API, with a new key."""
    from django.test import Client

    from runs.team.api_keys import create_api_key

    return Client(headers={"authorization": f"Bearer {create_api_key(project, 'benchmark')}"}, SERVER_NAME="localhost")


def create_browser_client(project: Project) -> Client:
    """Return a client of the pages, signed in as an administrator of `project`."""
    from django.test import Client

    from runs.models import Membership, User

    user, _ = User.objects.get_or_create(username="benchmark")
    Membership.objects.get_or_create(user=user, project=project, defaults={"role": "admin"})
    client = Client(SERVER_NAME="localhost")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client
