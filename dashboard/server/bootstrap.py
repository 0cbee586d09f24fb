"""What a new installation needs before anybody can use it: a project, an administrator, an API key."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.db import connection, transaction

from runs.models import Project, User
from runs.team.api_keys import create_api_key
from runs.team.memberships import create_project

BOOTSTRAP_LOCK_ID = (
    0x52756E676C617373  # "Runglass": of two installations that start at once on one database, one is first
)


@dataclass(frozen=True)
class InitialCredentials:
    """Names and secrets of a new installation. Only their hashes are stored."""

    project: str
    user: str
    password: str
    api_key: str

    def __str__(self) -> str:
        rows = {
            "Project": self.project,
            "User": self.user,
            "Password": self.password,
            "API key": self.api_key,
        }
        width = max(map(len, rows.values())) + 11
        rule = "─" * width
        lines = "\n".join(f"{name:<10} {value}" for name, value in rows.items())
        return f"{rule}\n{lines}\n{rule}\nThis is shown once and stored nowhere: keep it."


@transaction.atomic
def create_initial_credentials() -> InitialCredentials | None:
    """Create project `default`, administrator `admin` and an API key; None if there was something already.

    The database decides, not a file, so that it works the same with DATABASE_URL.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [BOOTSTRAP_LOCK_ID])
    if User.objects.exists() or Project.objects.exists():
        return None
    password = secrets.token_urlsafe(15)
    user = User.objects.create_superuser("admin", password=password)
    project = create_project("default", "Default", user)
    key = create_api_key(project, "first start", ["ingest", "read"])
    return InitialCredentials(project.slug, user.get_username(), password, key)
