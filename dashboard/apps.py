"""The site: settings, the embedded database and the pages."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dashboard"
