"""Who may see what: users, projects, memberships and API keys. Small, ordinary tables."""

from __future__ import annotations

import hashlib
import uuid
from functools import cached_property
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models

from runs.querysets.account import ApiKeyQuerySet, MembershipQuerySet, ProjectQuerySet

# Every id that Runglass derives hangs below this one, so that it is the same on every installation.
ID_NAMESPACE = uuid.UUID("5d3c1d4e-6f0a-5f43-9b0a-7c8f2f1f6a10")


class User(AbstractUser):
    """A person who logs in. What they may do is said per project, by `Membership`."""

    preferences = models.JSONField(blank=True, default=dict, help_text="What they chose to see, such as columns")


class Project(models.Model):
    """A wall: keys, runs and members on one side never see the other."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)
    prices = models.JSONField(
        default=dict,
        blank=True,
        help_text="Price overrides (`runs.enrichment.pricing.PriceOverrides`): model -> input, output, cached, as text "
        "in dollars per million tokens",
    )
    assessed_with = models.CharField(
        max_length=100,
        default="",
        blank=True,
        help_text="Fingerprint of what costs and error groups were last derived with (`enrichment.derived_fields`)",
    )
    members: models.ManyToManyField[User, Membership] = models.ManyToManyField(
        User, through="Membership", related_name="projects"
    )

    role: str  # of the reader, where `ProjectQuerySet.visible_to` read it

    objects = ProjectQuerySet.as_manager()

    class Meta:
        db_table = "project"
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug

    @cached_property
    def namespace(self) -> uuid.UUID:
        """The uuid below which this project's record ids are derived (uuid5 of it and the posted id)."""
        return uuid.uuid5(ID_NAMESPACE, f"project:{self.pk}")

    @cached_property
    def _prefix(self) -> bytes:
        return self.namespace.bytes

    def key(self, external_id: str) -> uuid.UUID:
        """The stored id of the record that was posted with `external_id`."""
        return uuid.UUID(hex=self.key_text(external_id))

    def key_text(self, external_id: str) -> str:
        """`key` as 32 hexadecimal digits: uuid5 of the project's namespace and the posted id (RFC 9562)."""
        made = bytearray(hashlib.sha1(self._prefix + external_id.encode(), usedforsecurity=False).digest()[:16])
        made[6] = made[6] & 0x0F | 0x50  # version 5
        made[8] = made[8] & 0x3F | 0x80  # the RFC's variant
        return made.hex()


class Membership(models.Model):
    """What one user may do in one project."""

    class Role(models.TextChoices):
        VIEWER = "viewer"  # reads
        MEMBER = "member"  # also tags, comments, saves views
        ADMIN = "admin"  # also deletes, and manages keys and members

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        db_table = "membership"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "project"], name="membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=["viewer", "member", "admin"]), name="membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.project}"


class ApiKey(models.Model):
    """A bearer key of one project. Only its hash is kept; `runs.team.api_keys` makes and checks keys."""

    class Scope(models.TextChoices):
        INGEST = "ingest"
        READ = "read"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, help_text="The first characters, shown so that people can tell keys apart")
    digest = models.BinaryField(max_length=32, unique=True, editable=False, help_text="SHA-256 of the key")
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope.choices))
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To the minute, so that reads stay reads")

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        db_table = "api_key"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
