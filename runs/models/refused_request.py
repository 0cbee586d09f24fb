"""Requests to store something that were refused, so that the connect page can tell why nothing arrives."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from runs.models.project import Project

REFUSAL_RETENTION = timedelta(days=7)


class RefusedRequestQuerySet(models.QuerySet["RefusedRequest"]):
    """Queries on refused requests."""

    def newest(self, *projects: Project | None) -> Self:
        """Return the recent refusals of `projects`, the last one first; None stands for unknown keys."""
        is_listed = models.Q(project__in=[project for project in projects if project])
        if None in projects:
            is_listed |= models.Q(project=None)
        return self.filter(is_listed, last_at__gt=timezone.now() - REFUSAL_RETENTION).order_by("-last_at", "-pk")


class RefusedRequest(models.Model):
    """Requests that were refused for the same reason. No posted value is stored, and no key (`runs.team.refusals`)."""

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, null=True, related_name="+", help_text="Null: the API key is unknown"
    )
    digest = models.BinaryField(max_length=16, unique=True, editable=False, help_text="Hash of what is told apart")
    status = models.SmallIntegerField()
    path = models.CharField(max_length=200)
    reason = models.CharField(max_length=300)
    fields = ArrayField(models.CharField(max_length=100), help_text="The first paths of invalid fields")
    key_name = models.CharField(max_length=150)
    address = models.CharField(max_length=64)
    index = models.IntegerField(null=True, help_text="The position of the first invalid object in the last body")
    requests = models.IntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    objects = RefusedRequestQuerySet.as_manager()

    class Meta:
        db_table = "refused_request"
        indexes = [models.Index("project", "last_at", name="refused_request_newest")]

    def __str__(self) -> str:
        return f"{self.status} {self.path}: {self.reason}"

    @property
    def is_partial(self) -> bool:
        """Return whether the rest of the request was stored."""
        return self.status < 400
