"""The requests of a project in the current minute."""

from __future__ import annotations

from django.db import models

from runs.models.project import Project


class RequestCount(models.Model):
    """The number of requests that were made with API keys of a project in one minute, the last one that had any.

    The table is not logged: a crash of the database loses a minute's count, and counting costs no write to the log.
    """

    project = models.OneToOneField(Project, on_delete=models.CASCADE, primary_key=True, related_name="+")
    minute = models.DateTimeField()
    requests = models.IntegerField()

    class Meta:
        db_table = "request_count"

    def __str__(self) -> str:
        return f"{self.requests} at {self.minute}"
