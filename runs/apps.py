"""The Django application `runs`."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from runs.db.poolers import configure_new_connection


class RunsConfig(AppConfig):
    """The Django application of the domain."""

    name = "runs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Configure database connections when they are opened."""
        connection_created.connect(configure_new_connection)
