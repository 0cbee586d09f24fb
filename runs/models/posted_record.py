"""The fields that every posted record has."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models

from runs.models.api_key import ApiKey
from runs.models.project import Project
from runs.protocol.lossless_json import join_members


class PostedRecord(models.Model):
    """Base of runs, steps and messages: identity, the parts that columns can't hold, times of receipt and history.

    A record gives back exactly what was posted: columns are rendered back to JSON, and every member that would differ
    from the posted one is stored verbatim in `extra`, which takes precedence (see `runs.protocol`).
    """

    external_id = models.TextField(help_text="The posted id")
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    created_at = models.DateTimeField()
    posted_created_at = models.DateTimeField(
        null=True, help_text="The posted created_at if it cannot be right; created_at is the time of receipt then"
    )
    metadata = models.JSONField(null=True)
    absent = models.IntegerField(default=0, help_text="Bit set of the known fields that were not posted")
    extra = models.TextField(null=True, help_text="JSON object of the posted fields that columns can't represent")  # noqa: DJ001
    version = models.IntegerField(default=1, help_text="Number of writes; guards concurrent writes")
    received_at = models.DateTimeField(help_text="Time of first receipt")
    seen_at = models.DateTimeField(help_text="Time of last receipt, changed or not")
    received_key = models.ForeignKey(
        ApiKey, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+"
    )
    history_length = models.IntegerField(default=0, db_default=0, help_text="Number of observations")

    class Meta:
        abstract = True

    @property
    def stated_created_at(self) -> datetime:
        """The posted time of creation, plausible or not. Lists are ordered by `created_at`."""
        return self.posted_created_at or self.created_at

    def members(self) -> dict[str, bytes]:
        """Return the members of the posted object, each value as JSON text."""
        raise NotImplementedError

    def as_json(self) -> bytes:
        """Return the object as it was posted."""
        return join_members(self.members())

    def _columns(self, columns: type[Any]) -> dict[str, Any]:
        return {name: getattr(self, name) for name in columns.__struct_fields__}
