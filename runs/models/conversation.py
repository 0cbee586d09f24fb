"""Conversations, and the items of lists that were downloaded: those of a conversation, and inputs of responses."""

from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.db import models

from runs.models.project import Project
from runs.protocol.lossless_json import split_object


def make_conversation_key(project: Project, conversation_id: str) -> uuid.UUID:
    """Return the key of a conversation. A line break, which no id has, keeps it apart from that of a response."""
    return project.record_id(f"conversation\n{conversation_id}")


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Queries on conversations."""

    def find(self, project: Project, conversation_id: str) -> Conversation | None:
        """Return the conversation that was posted to `project` with that id."""
        return self.filter(pk=make_conversation_key(project, conversation_id)).first()


class Conversation(models.Model):
    """A conversation, as it was posted last."""

    id = models.UUIDField(primary_key=True, editable=False)
    external_id = models.TextField(help_text="The posted id")
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    body = models.TextField(help_text="JSON, as posted")
    received_at = models.DateTimeField()

    objects = ConversationQuerySet.as_manager()

    class Meta:
        db_table = "conversation"

    def __str__(self) -> str:
        return self.external_id

    def members(self) -> dict[str, bytes]:
        """Return the members of the posted conversation, each value as JSON text."""
        return split_object(self.body.encode())


class ListedItemQuerySet(models.QuerySet["ListedItem"]):
    """Queries on listed items."""

    def of_conversation(self, project: Project, conversation_id: str) -> Self:
        """Return the items of a conversation."""
        return self.filter(owner=make_conversation_key(project, conversation_id))

    def of_owner(self, owner: uuid.UUID) -> Self:
        """Return the items of one list, oldest first."""
        return self.filter(owner=owner).order_by("position")


class ListedItem(models.Model):
    """An item of the input of a response, or of a conversation, as it was downloaded.

    `owner` is the key of the response or conversation. Positions grow from the oldest item to the newest one, with
    gaps. `ends_list` marks the item at the end of the list as far as a page said so.
    """

    pk = models.CompositePrimaryKey("owner", "external_id")
    owner = models.UUIDField()
    external_id = models.TextField(help_text="The id of the item")
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    position = models.BigIntegerField()
    ends_list = models.BooleanField(db_default=False)
    body = models.TextField(help_text="JSON, as posted")

    objects = ListedItemQuerySet.as_manager()

    class Meta:
        db_table = "listed_item"
        # pages of a list
        indexes: ClassVar = [models.Index("owner", "position", name="listed_item_position")]

    def __str__(self) -> str:
        return self.external_id
