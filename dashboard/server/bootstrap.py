"""Create the records that a new installation needs: a project, an administrator and an API key."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from runs.models import Project, User
from runs.team.api_keys import create_api_key
from runs.team.memberships import create_project
from runs.team.passwords import ONE_TIME_PASSWORD_LIFETIME, set_one_time_password

BOOTSTRAP_LOCK_ID = 0x52756E676C617373  # "Runglass"; serializes concurrent installations on one database


@dataclass(frozen=True)
class InitialCredentials:
    """The names and secrets of a new installation. The database only contains hashes of the secrets."""

    project: str
    user: str
    password: str
    api_key: str

    def __str__(self) -> str:
        """Return the credentials as a table for a terminal."""
        rows = {
            "Project": self.project,
            "User": self.user,
            "Password": self.password,
            "API key": self.api_key,
        }
        width = max(map(len, rows.values())) + 11
        rule = "─" * width
        lines = "\n".join(f"{name:<10} {value}" for name, value in rows.items())
        return (
            f"{rule}\n{lines}\n{rule}\nSave these credentials now: they are not shown again. "
            f"Sign in within {ONE_TIME_PASSWORD_LIFETIME.days} days and choose a password of your own."
        )


@transaction.atomic
def create_initial_credentials() -> InitialCredentials | None:
    """Create the project `default`, the administrator `admin` and an API key.

    Returns None, and creates nothing, if the database contains a user or a project. This also works with DATABASE_URL,
    which a marker file in the data directory would not.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [BOOTSTRAP_LOCK_ID])
    if User.objects.exists() or Project.objects.exists():
        return None
    user = User.objects.create_superuser("admin")
    password = set_one_time_password(user)
    user.save()
    project = create_project("default", "Default", user)
    key = create_api_key(project, "first start", ["ingest", "read"])
    return InitialCredentials(project.slug, user.get_username(), password, key)
