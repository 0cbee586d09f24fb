"""API keys of projects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import connections, models
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now
from django.utils import timezone

from runs.models.project import Project

# Changes whenever one of the two rows changes: Postgres writes a changed row to a new place (ctid) and records the
# transaction that wrote it (xmin).
_ROW_VERSION = "concat_ws(' ', api_key.xmin, api_key.ctid, project.xmin, project.ctid)"
_SELECT_USABLE_KEY_VERSION = f"""
    SELECT {_ROW_VERSION} FROM api_key JOIN project ON project.id = api_key.project_id
     WHERE api_key.digest = %s AND api_key.revoked_at IS NULL
       AND (api_key.expires_at IS NULL OR api_key.expires_at > statement_timestamp())"""  # noqa: S608


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Queries on API keys."""

    def usable(self) -> Self:
        """Return the keys that are neither revoked nor expired."""
        return self.filter(models.Q(expires_at=None) | models.Q(expires_at__gt=Now()), revoked_at=None)

    def find_by_digest(self, digest: bytes) -> ApiKey | None:
        """Return the key with that hash and its project, annotated with their `row_version`."""
        keys = self.select_related("project").annotate(row_version=RawSQL(_ROW_VERSION, []))  # noqa: S611
        return keys.filter(digest=digest).first()

    def fetch_row_version(self, digest: bytes) -> str | None:
        """Return the `row_version` of a usable key and its project; None for any other key.

        It takes a tenth of the time of `find_by_digest`.
        """
        with connections[self.db].cursor() as cursor:
            cursor.execute(_SELECT_USABLE_KEY_VERSION, [digest])
            row = cursor.fetchone()
            return None if row is None else row[0]

    def in_project(self, project: Project) -> Self:
        """Return the keys of `project`, usable ones first, then the newest first."""
        return self.filter(project=project).order_by(models.F("revoked_at").asc(nulls_first=True), "-created_at")

    def names_by_id(self, ids: Iterable[int | None]) -> dict[int, str]:
        """Return the names of the keys with those ids, revoked ones included."""
        return dict(self.filter(pk__in={pk for pk in ids if pk is not None}).values_list("pk", "name"))


class ApiKey(models.Model):
    """A bearer token of one project. Only its hash is stored; see `runs.team.api_keys`."""

    class Scope(models.TextChoices):
        """The permissions a key can have."""

        INGEST = "ingest"
        READ = "read"
        DELETE = "delete"
        TRIAGE = "triage"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, help_text="The first characters, shown to tell keys apart")
    digest = models.BinaryField(max_length=32, unique=True, editable=False, help_text="SHA-256 of the key")
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope.choices))
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Null: never")
    last_used_at = models.DateTimeField(
        null=True, blank=True, help_text="Updated at most once a minute, so that most requests write nothing"
    )
    last_used_address = models.CharField(
        max_length=64, default="", db_default="", blank=True, help_text="From where it was used last"
    )
    description = models.CharField(max_length=300, default="", db_default="", blank=True)
    query = models.TextField(
        default="", db_default="", blank=True, help_text="The key reads only the runs that match; empty: all"
    )

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        db_table = "api_key"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_expired(self) -> bool:
        """Return whether the key has expired, whether or not it is revoked as well."""
        return self.expires_at is not None and self.expires_at <= timezone.now()
