"""Projects: isolated workspaces."""

from __future__ import annotations

import hashlib
import uuid
from functools import cached_property
from typing import Any, Self

from django.db import models
from django.db.models.functions import Now

from runs.models.user import User

# The root of every id that Runglass derives, so that ids are the same on every installation.
ID_NAMESPACE = uuid.UUID("5d3c1d4e-6f0a-5f43-9b0a-7c8f2f1f6a10")
# The value of `searchable_until` where all records are searchable.
ALL_SEARCHABLE = "all"


class ProjectQuerySet(models.QuerySet["Project"]):
    """Queries on projects."""

    def visible_to(self, user: Any) -> Self:
        """Return the projects that `user` is a member of, each annotated with the user's `role`."""
        return self.filter(memberships__user=user).annotate(role=models.F("memberships__role"))

    def get_locked(self, project: Project) -> Project:
        """Read `project` again and lock its row until the transaction ends."""
        return self.select_for_update().get(pk=project.pk)

    def record_enrichment(self, project: Project, fingerprint: str) -> None:
        """Record that all runs of `project` are enriched as `fingerprint` says, unless its prices have changed."""
        self.filter(pk=project.pk, prices=project.prices).update(enriched_with=fingerprint)


class Project(models.Model):
    """An isolated workspace with its own runs, API keys and members."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)
    prices = models.JSONField(
        default=dict,
        blank=True,
        help_text="Price overrides (`runs.enrichment.pricing.PriceOverrides`): model -> input, output, cached, as text "
        "in dollars per million tokens",
    )
    enriched_with = models.CharField(
        max_length=100,
        default="",
        blank=True,
        help_text="Fingerprint of what costs and error groups were last derived with (`enrichment.derived_fields`)",
    )
    deletion_count = models.BigIntegerField(
        db_default=0,
        editable=False,
        help_text="Number of deletions of runs and threads. Processes that cache what is stored compare it",
    )
    agent_metadata_key = models.TextField(
        db_default="agent",
        default="agent",
        help_text="The key of a response's metadata whose value is the assistant, if the response names none itself",
    )
    turns_derived_until = models.TextField(  # noqa: DJ001 - null is not an id
        null=True,
        editable=False,
        help_text="Until which run those of responses were derived again since `agent_metadata_key` changed; null: all",
    )
    max_requests_per_minute = models.IntegerField(
        null=True, blank=True, help_text="Requests with API keys beyond it are refused with status 429; null: no limit"
    )
    is_sharing_enabled = models.BooleanField(
        default=True, db_default=True, help_text="Whether links to single runs can be made and opened"
    )
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        db_default="UTC",
        help_text="IANA name of the time zone in which pages show times to readers whose browsers send none",
    )
    searchable_until = models.TextField(
        default=ALL_SEARCHABLE,
        db_default="",
        editable=False,
        help_text="The last record that a backfill has made searchable (`enrichment.search_backfill`)",
    )
    search_recheck_since = models.DateTimeField(
        null=True,
        default=None,
        db_default=Now(),
        editable=False,
        help_text="Texts of records that were received since are rechecked (`enrichment.search_recheck`); null: none",
    )
    search_rechecked_until = models.TextField(
        default="", db_default="", editable=False, help_text="The pass of this recheck and its last record"
    )
    members: models.ManyToManyField[User, models.Model] = models.ManyToManyField(
        User, through="Membership", related_name="projects"
    )

    role: str  # the current user's, set by `ProjectQuerySet.visible_to`

    objects = ProjectQuerySet.as_manager()

    class Meta:
        db_table = "project"
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug

    @cached_property
    def namespace(self) -> uuid.UUID:
        """The UUID namespace of the ids of this project's records."""
        return uuid.uuid5(ID_NAMESPACE, f"project:{self.pk}")

    def record_id(self, external_id: str) -> uuid.UUID:
        """Return the stored id of the record that was posted with `external_id`."""
        return uuid.UUID(hex=self.record_id_hex(external_id))

    def record_id_hex(self, external_id: str) -> str:
        """Return `record_id` as 32 hexadecimal digits.

        This is uuid5 of the project's namespace and the posted id (RFC 9562), several times as fast as `uuid.uuid5`.
        """
        digest = hashlib.sha1(self._namespace_bytes + external_id.encode(), usedforsecurity=False).digest()
        id_bytes = bytearray(digest[:16])
        id_bytes[6] = id_bytes[6] & 0x0F | 0x50  # version 5
        id_bytes[8] = id_bytes[8] & 0x3F | 0x80  # variant of RFC 9562
        return id_bytes.hex()

    @cached_property
    def _namespace_bytes(self) -> bytes:
        return self.namespace.bytes
