"""A signed-in administrator of the project."""

from __future__ import annotations

import pytest
from django.test import Client

from runs.models import Project, User
from tests import factories


@pytest.fixture
def admin(project: Project) -> User:
    return factories.make_user(project, role="admin", name="ada")


@pytest.fixture
def admin_client(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client
