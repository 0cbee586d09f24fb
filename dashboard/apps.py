"""The Django app of the site."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """The app configuration."""

    name = "dashboard"
