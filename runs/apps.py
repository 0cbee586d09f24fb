"""The Django application `runs`."""

from django.apps import AppConfig


class RunsConfig(AppConfig):
    """The Django application of the domain."""

    name = "runs"
    default_auto_field = "django.db.models.BigAutoField"
