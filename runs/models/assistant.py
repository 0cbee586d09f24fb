"""What people call an assistant, of which its runs carry only the id. A small, ordinary table."""

from __future__ import annotations

from django.db import models

from runs.models.account import Project, User
from runs.querysets.assistant import AssistantQuerySet


class Assistant(models.Model):
    """The display names of one assistant: the posted one, and the one that a person gave it, which is shown.

    They lie side by side, so neither overwrites the other: a post never changes what a person decided, and taking
    that back shows the posted name again. There is a row only where there is, or was, a name.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="assistants")
    external_id = models.TextField(help_text="The posted id, which runs have as assistant_id")
    posted_name = models.TextField(null=True)  # noqa: DJ001 - null is what was posted
    given_name = models.TextField(null=True)  # noqa: DJ001 - null where nobody gave one
    given_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    given_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1, help_text="Counts posts that changed it, and guards each against another")
    received_at = models.DateTimeField(help_text="When a name was first received")
    seen_at = models.DateTimeField(help_text="When it was last posted, changed or not")

    objects = AssistantQuerySet.as_manager()

    class Meta:
        db_table = "assistant"

    def __str__(self) -> str:
        return self.name or self.external_id

    @property
    def name(self) -> str | None:
        """What is shown in place of the id."""
        return self.given_name or self.posted_name
