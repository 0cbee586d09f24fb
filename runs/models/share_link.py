"""Links to single runs for people without an account."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from runs.models.membership import Membership
from runs.models.project import Project
from runs.models.run import Run
from runs.models.user import User


class ShareLinkQuerySet(models.QuerySet["ShareLink"]):
    """Queries on share links."""

    def in_project(self, project: Project) -> Self:
        """Return the links to runs of `project`, the newest first, each with `is_makers_member` and its run."""
        return self.filter(project=project).with_maker_state().select_related("run").order_by("-pk")

    def numbered(self, number: int) -> Self:
        """Return the link with that number."""
        return self.filter(pk=number)

    def of_run(self, run: Run) -> Self:
        """Return the links to `run`, the newest first, each with `is_makers_member`."""
        return self.filter(run_id=run.pk).with_maker_state().order_by("-pk")

    def on_runs(self, run_ids: Collection[uuid.UUID]) -> Self:
        """Return the links to the runs with those stored ids."""
        return self.filter(run_id__in=run_ids)

    def not_ended(self) -> Self:
        """Return the links that are neither revoked nor expired."""
        return self.filter(revoked_at=None, expires_at__gt=Now())

    def with_maker_state(self) -> Self:
        """Annotate whether the maker is an active member of the project as `is_makers_member`."""
        return self.annotate(is_makers_member=_is_maker_member())

    def find_usable(self, digest: bytes) -> ShareLink | None:
        """Return the link with that hash, with its project; None if it opens nothing, for whatever reason."""
        links = self.filter(digest=digest, project__is_sharing_enabled=True).not_ended()
        return links.filter(_is_maker_member()).select_related("project").first()


def _is_maker_member() -> models.Exists:
    """Return the condition that the maker of a link is an active member of its project."""
    memberships = Membership.objects.filter(project=models.OuterRef("project"), user=models.OuterRef("maker"))
    return models.Exists(memberships.filter(user__is_active=True))


class ShareLink(models.Model):
    """A link that opens one run to whoever has it. Only the hash of its token is stored.

    It opens as long as it is neither revoked nor expired, its maker is an active member of the project, and the project
    allows links.
    """

    class Part(models.TextChoices):
        """The parts of a run that a link can leave out (see `runs.team.left_out_parts`)."""

        INSTRUCTIONS = "instructions", "Instructions"
        METADATA = "metadata", "Metadata"
        OUTPUTS = "outputs", "Outputs"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    digest = models.BinaryField(max_length=32, unique=True, editable=False, help_text="SHA-256 of the token")
    maker = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    maker_name = models.CharField(max_length=150, help_text="Stays after the user is deleted")
    left_out = ArrayField(models.CharField(max_length=20, choices=Part.choices), default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    use_count = models.BigIntegerField(default=0, db_default=0, help_text="How often it was opened")
    last_used_at = models.DateTimeField(null=True)

    is_makers_member: bool  # annotated by `ShareLinkQuerySet.with_maker_state`

    objects = ShareLinkQuerySet.as_manager()

    class Meta:
        db_table = "share_link"
        indexes: ClassVar = [
            models.Index(fields=["project", "-id"], name="share_link_newest"),  # `in_project`
        ]

    def __str__(self) -> str:
        return f"link {self.pk} to {self.run_id}"

    @property
    def is_expired(self) -> bool:
        """Return whether it has expired, whether or not it is revoked as well."""
        return self.expires_at <= timezone.now()

    @property
    def left_out_labels(self) -> list[str]:
        """The parts that are left out, in words."""
        return [str(ShareLink.Part(part).label) for part in self.left_out]
