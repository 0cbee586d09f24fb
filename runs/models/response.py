"""Responses, as they were posted, with the turn and the thread that they belong to."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models

from runs.models.api_key import ApiKey
from runs.models.observation import ObservationQuerySet, PostedObservation
from runs.models.project import Project
from runs.protocol.lossless_json import split_object


class ResponseQuerySet(models.QuerySet["Response"]):
    """Queries on responses."""

    def in_project(self, project: Project) -> Self:
        """Return the responses of `project`."""
        return self.filter(project=project)

    def find(self, project: Project, response_id: str) -> Response | None:
        """Return the response that was posted to `project` with that id."""
        return self.filter(pk=project.record_id(response_id)).first()

    def with_external_ids(self, project: Project, response_ids: Iterable[str]) -> Self:
        """Return the responses that were posted to `project` with those ids."""
        return self.filter(pk__in=[project.record_id(response_id) for response_id in response_ids])

    def of_runs(self, project: Project, run_ids: Collection[str]) -> Self:
        """Return the responses of the turns that are those runs."""
        return self.filter(project=project, run_external_id__in=list(run_ids))

    def run_ids_after(self, project: Project, run_id: str) -> models.QuerySet[Response, str]:
        """Return the ids of runs of `project` in their order, from the one after `run_id` on."""
        responses = self.filter(project=project, run_external_id__gt=run_id).order_by("run_external_id")
        return responses.values_list("run_external_id", flat=True).distinct()

    def in_conversation(self, project: Project, conversation_id: str) -> Self:
        """Return the responses of a conversation, in their order."""
        responses = self.filter(project=project, conversation_id=conversation_id)
        return responses.order_by("created_at", "completed_at", "external_id")

    def in_turn_order(self) -> Self:
        """Order responses by time. Those of one turn follow each other."""
        return self.order_by("created_at", "completed_at", "external_id")


class Response(models.Model):
    """A response of the Responses API. Its run is derived from it (see `runs.responses`).

    The columns from `previous_response_id` on are links: they are known from any post of the response, and change with
    other responses.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    external_id = models.TextField(help_text="The posted id")
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    created_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)
    status = models.TextField(null=True, help_text="By its usual name; null if the object does not say")  # noqa: DJ001
    is_open = models.BooleanField(help_text="Whether the client has to answer an item of the output")
    item_ids = ArrayField(models.TextField(), help_text="Ids of the items of the output, and of the calls among them")
    body = models.TextField(help_text="JSON, as posted")
    version = models.IntegerField(default=1)
    received_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    received_key = models.ForeignKey(
        ApiKey, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+"
    )
    history_length = models.IntegerField(default=0, db_default=0)
    previous_response_id = models.TextField(null=True)  # noqa: DJ001
    conversation_id = models.TextField(null=True)  # noqa: DJ001
    thread_id = models.TextField(
        db_default="", help_text="The conversation, or the far end of the chain of previous responses; known by name"
    )
    run_external_id = models.TextField(db_default="", help_text="The id of the run that the turn is")
    request = models.TextField(null=True, help_text="The request that it answers, as JSON, if posted")  # noqa: DJ001
    stream_error = models.TextField(null=True, help_text="The event `error` of its stream, as JSON")  # noqa: DJ001

    objects = ResponseQuerySet.as_manager()

    class Meta:
        db_table = "response"
        indexes: ClassVar = [
            # the responses of a turn
            models.Index("project", "run_external_id", name="response_run"),
            # the responses whose chain ends at one that was not known before
            models.Index("project", "thread_id", name="response_thread"),
            # what continues a response
            models.Index(
                "project",
                "previous_response_id",
                name="response_previous",
                condition=models.Q(previous_response_id__isnull=False),
            ),
            # the responses of a conversation, in order
            models.Index(
                "project",
                "conversation_id",
                "created_at",
                name="response_conversation",
                condition=models.Q(conversation_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.external_id

    def members(self) -> dict[str, bytes]:
        """Return the members of the posted response, each value as JSON text."""
        return split_object(self.body.encode())


class ResponseObservation(PostedObservation):
    """An entry of a response's history. It is deleted with the response."""

    pk = models.CompositePrimaryKey("response", "n")
    response = models.ForeignKey(
        Response, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )

    objects = ObservationQuerySet.as_manager()

    RECORD_KEY = ("response_id",)

    class Meta:
        db_table = "response_observation"

    def __str__(self) -> str:
        return f"{self.response_id} {self.n}"
