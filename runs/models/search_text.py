"""The texts of messages and tool calls, as they are searched."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Func, Q, Value

from runs.models.project import Project

# Characters of a message, and of the arguments and the output of a call, that are searched.
MAX_SEARCHED_LENGTH = 10_000
# Characters of all arguments, or of all outputs, of one step that are searched.
MAX_SEARCHED_STEP_LENGTH = 100_000
# Stands between the texts of the calls of a step, so that no text is found across two calls.
CALL_SEPARATOR = "\x1e"


class CallIdVector(Func):
    """The ids of calls as a tsvector, in which an index finds whole ids and their beginnings."""

    function = "array_to_tsvector"
    output_field = SearchVectorField()


class HasCallId(Func):
    """A call has this id, or an id that begins like this."""

    template = "%(expressions)s::tsquery"
    arg_joiner = " @@ "
    output_field = models.BooleanField()
    conditional = True

    def __init__(self, call_id: str, *, is_prefix: bool = False) -> None:
        """Set the id, or its beginning."""
        escaped = call_id.replace("\\", "\\\\").replace("'", "''")
        super().__init__(CallIdVector(F("call_ids")), Value(f"'{escaped}'{':*' if is_prefix else ''}"))


class SearchTextQuerySet(models.QuerySet["SearchText"]):
    """Queries on searched texts."""

    def in_project(self, project: Project) -> Self:
        """Return the texts of `project`."""
        return self.filter(project=project)

    def of_calls(self, run_ids: Iterable[uuid.UUID]) -> Self:
        """Return the texts of the tool calls of runs, in steps and pending."""
        return self.filter(run_id__in=list(run_ids), kind=SearchText.Kind.CALLS)

    def of_messages(self, messages: models.QuerySet[Any]) -> Self:
        """Return the texts of messages."""
        return self.filter(pk__in=messages.order_by().values("pk"))


class SearchText(models.Model):
    """The searched text of one message, of the tool calls of one step, or of those that a run waits for.

    It is derived from the record alone (`runs.enrichment.search_texts`) and written in the transaction that writes the
    record. The maintenance process adds it to the index (`runs.enrichment.search_index`); until then, the newest of
    such rows are scanned. Only a message that names no run has a `thread_id`: it belongs to the run that follows.
    """

    class Kind(models.IntegerChoices):
        """The kind of record that the text is of."""

        ASKED = 1, "message of a user"
        ANSWERED = 2, "message of an assistant"
        OTHER_MESSAGE = 3, "message of another role"
        CALLS = 4, "tool calls"

    id = models.UUIDField(
        primary_key=True, editable=False, help_text="The message's, or a hash of the key of the step or run"
    )
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    kind = models.SmallIntegerField(choices=Kind)
    is_indexed = models.BooleanField(default=False, db_default=False)
    run_id = models.UUIDField(null=True)
    thread_id = models.TextField(null=True)  # noqa: DJ001 - null where the run is known
    created_at = models.DateTimeField()
    said = models.TextField(null=True)  # noqa: DJ001 - null takes no room
    arguments = models.TextField(null=True)  # noqa: DJ001
    output = models.TextField(null=True)  # noqa: DJ001
    call_ids = ArrayField(models.TextField(), null=True)

    objects = SearchTextQuerySet.as_manager()

    class Meta:
        db_table = "search_text"
        indexes: ClassVar = [
            # said:…, arguments:…, output:…, call:… and free words
            GinIndex(
                OpClass("said", "gin_trgm_ops"),
                OpClass("arguments", "gin_trgm_ops"),
                OpClass("output", "gin_trgm_ops"),
                OpClass(CallIdVector(F("call_ids")), "tsvector_ops"),
                name="search_text_content",
                condition=Q(is_indexed=True),
            ),
            # rows to be added to it, and the newest texts, to tell common words from rare ones
            models.Index("project", "is_indexed", "created_at", name="search_text_created"),
            # the texts of a run
            models.Index("run_id", name="search_text_run", condition=Q(run_id__isnull=False)),
            # the messages of a thread that name no run
            models.Index("project", "thread_id", name="search_text_thread", condition=Q(thread_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.pk)
