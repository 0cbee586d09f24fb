"""A run, its steps, its thread's messages, and the history of what was posted about it.

Keys are made by us (uuid5 of project and posted id), never by a sequence, and children carry the run's key
first. No foreign key is enforced by the database: a step may arrive before its run, and the tables can be
spread over several servers as they are.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
from django.db import models

from runs.db.keyset_pagination import coalesce_missing
from runs.models.account import ApiKey, Project
from runs.models.configuration import Configuration
from runs.models.error_group import ErrorGroup
from runs.protocol import lossless_json, message, run, step
from runs.protocol.message import MessageColumns
from runs.protocol.run import RunColumns
from runs.protocol.step import StepColumns
from runs.querysets.message import MessageQuerySet
from runs.querysets.observation import ObservationQuerySet
from runs.querysets.run import RunQuerySet
from runs.querysets.step import StepQuerySet

# kB that a GIN index gathers before it sorts them in; they count as its size, and every search reads them
GIN_PENDING_LIST_KB = 512
# The statuses of the published protocol that a run leaves again.
ACTIVE_STATUSES = ("cancelling", "in_progress", "queued", "requires_action")

# The steps that call tools, as their indexes name them.
HAS_TOOL_CALLS = ~models.Q(tool_types=[])


class PostedRecord(models.Model):
    """What every posted record has: who it is, what can't be rebuilt from columns, and when it came.

    Rebuilding is exact by construction: columns are rendered back to JSON, and whatever differs from what was
    posted is kept word for word in `extra`, which wins (see `runs.protocol`).
    """

    external_id = models.TextField(help_text="The posted id")
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    created_at = models.DateTimeField()
    metadata = models.JSONField(null=True)
    absent = models.IntegerField(default=0, help_text="Bits of the known fields that were not posted at all")
    extra = models.TextField(null=True, help_text="JSON object of posted fields that columns can't give back")  # noqa: DJ001
    version = models.IntegerField(default=1, help_text="Counts writes, and guards each against another")
    received_at = models.DateTimeField(help_text="When it was first received")
    seen_at = models.DateTimeField(help_text="When it was last received, changed or not")

    class Meta:
        abstract = True

    def members(self) -> dict[str, bytes]:
        """The posted object's members, each value as JSON text."""
        raise NotImplementedError

    def as_json(self) -> bytes:
        """The object as it was posted."""
        return lossless_json.join_members(self.members())

    def _columns(self, record: type[Any]) -> dict[str, Any]:
        return {name: getattr(self, name) for name in record.__struct_fields__}


class Run(PostedRecord):
    """One execution of an assistant on a thread (`thread.run`), in its newest known state."""

    class Status(models.TextChoices):
        """The values of the published protocol; any other string is stored and shown as it came."""

        QUEUED = "queued"
        IN_PROGRESS = "in_progress"
        REQUIRES_ACTION = "requires_action"
        CANCELLING = "cancelling"
        CANCELLED = "cancelled"
        FAILED = "failed"
        COMPLETED = "completed"
        INCOMPLETE = "incomplete"
        EXPIRED = "expired"

    class Revision(models.TextChoices):
        """Which edition of the protocol the posted object follows."""

        V1 = "v1"
        V2 = "v2"
        AZURE = "azure"

    id = models.UUIDField(primary_key=True, editable=False)
    status = models.TextField()
    thread_id = models.TextField()
    assistant_id = models.TextField()
    model = models.TextField(null=True)  # noqa: DJ001 - null is what was posted
    configuration = models.ForeignKey(
        Configuration, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="runs"
    )
    started_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    required_action = models.TextField(null=True, help_text="JSON, as posted")  # noqa: DJ001
    error_code = models.TextField(null=True)  # noqa: DJ001
    error_message = models.TextField(null=True)  # noqa: DJ001
    incomplete_reason = models.TextField(null=True)  # noqa: DJ001
    prompt_tokens = models.BigIntegerField(null=True)
    completion_tokens = models.BigIntegerField(null=True)
    total_tokens = models.BigIntegerField(null=True)
    cached_tokens = models.BigIntegerField(null=True)
    reasoning_tokens = models.BigIntegerField(null=True)
    # derived when written, for sorting and filtering
    revision = models.TextField(choices=Revision.choices)
    ended_at = models.DateTimeField(null=True, help_text="The timestamp that belongs to the terminal status")
    duration_ms = models.BigIntegerField(null=True, help_text="From created_at to ended_at")
    action_type = models.TextField(null=True)  # noqa: DJ001
    awaited = ArrayField(models.TextField(), null=True, help_text="Names of the calls whose outputs are awaited")
    cost = models.BigIntegerField(null=True, help_text="Estimated, in nano-dollars; null where nothing is priced")
    error_group = models.ForeignKey(
        ErrorGroup, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="runs"
    )
    received_key = models.ForeignKey(
        ApiKey, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+"
    )
    error_preview: str | None  # the beginning of error_message, where `RunQuerySet.for_list` read the run
    history_length = models.IntegerField(default=0, help_text="How many observations there are")

    objects = RunQuerySet.as_manager()

    class Meta:
        db_table = "run"
        # Ascending, and read backwards. The id, which settles equal times, is only where a page may be full of them;
        # elsewhere the few of one second are sorted, and an entry is 16 bytes shorter.
        indexes: ClassVar = [
            # the list, newest first, and its next page
            models.Index("project", "created_at", "id", name="run_newest"),
            # each filter brings its own order: one without walks the time index when its matches are old
            models.Index("project", "status", "created_at", name="run_status"),
            models.Index("project", "model", "created_at", name="run_model"),
            models.Index(
                "project",
                "assistant_id",
                "created_at",
                name="run_assistant",
            ),
            # a thread's runs, and previous and next within it
            models.Index("project", "thread_id", "created_at", "id", name="run_thread"),
            # the runs of one configuration
            models.Index("configuration", "created_at", name="run_configuration"),
            # failures of one kind; most runs have no error
            models.Index(
                "project",
                "error_code",
                "created_at",
                name="run_error",
                condition=models.Q(error_code__isnull=False),
            ),
            # reason:… ; few runs are incomplete
            models.Index(
                "project",
                "incomplete_reason",
                "created_at",
                name="run_reason",
                condition=models.Q(incomplete_reason__isnull=False),
            ),
            # awaits:… and what waits for outputs, newest first; few runs do at a time
            models.Index(
                "project",
                "created_at",
                name="run_awaiting",
                condition=models.Q(awaited__isnull=False),
            ),
            # what waits, is past its expiry or silent, the oldest first; few runs are active at a time
            models.Index(
                "project", "created_at", "id", name="run_active", condition=models.Q(status__in=list(ACTIVE_STATUSES))
            ),
            # the runs of one error group, and all that ended badly, newest first; most runs did not
            models.Index(
                "error_group",
                "created_at",
                name="run_error_group",
                condition=models.Q(error_group__isnull=False),
            ),
            # with all that is summed of the latter, since they lie far apart
            models.Index(
                "project",
                "created_at",
                name="run_ended_badly",
                include=("error_group", "assistant_id", "model", "configuration", "total_tokens", "cost"),
                condition=models.Q(error_group__isnull=False),
            ),
            # id:run_ab* and pasted ids; in byte order, whatever the server's collation
            models.Index(models.F("project"), OpClass("external_id", "text_pattern_ops"), name="run_external_id"),
            # revision:v1, revision:azure; v2 is what nearly all servers send, and is met soon in the list
            models.Index("project", "revision", name="run_revision", condition=~models.Q(revision="v2")),
            # the list by duration and by tokens, in both directions (see `Order`), within equal values it is sorted:
            # values repeat and bring no id, so that equal entries share one; duration:>30s, total_tokens:>10k
            models.Index("project", coalesce_missing("duration_ms"), name="run_by_duration"),
            models.Index("project", coalesce_missing("total_tokens"), name="run_by_tokens"),
            # the same by cost; cost:>0.05
            models.Index("project", coalesce_missing("cost"), name="run_by_cost"),
            # received:-1h, ended:<2026-05-01, prompt_tokens:>1M and the like, each of which is met soon in the list or
            # is found nowhere but in a few pages of the table: it says of every four what lies in them. Runs are
            # stored as they come, so times are near each other; tokens are not, but such as are asked for are rare.
            # Differences tell too whether any run started or ended before it was created
            BrinIndex(
                models.F("received_at"),
                models.F("started_at"),
                models.F("ended_at"),
                models.F("prompt_tokens"),
                models.F("completion_tokens"),
                models.F("cached_tokens"),
                models.F("reasoning_tokens"),
                models.F("started_at") - models.F("created_at"),
                models.F("ended_at") - models.F("created_at"),
                name="run_ranges",
                pages_per_range=4,
            ),
            # metadata.customer:acme (@>), metadata.customer:* (?), and a word that is the value of any key (@@). Of
            # the two operator classes only jsonb_ops serves the last two; jsonb_path_ops would be a third smaller
            GinIndex(fields=["metadata"], name="run_metadata", gin_pending_list_limit=GIN_PENDING_LIST_KB),
            # error_message:"too many" and free words; few runs have a message
            GinIndex(
                OpClass("error_message", "gin_trgm_ops"),
                name="run_error_message",
                gin_pending_list_limit=GIN_PENDING_LIST_KB,
                condition=models.Q(error_message__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.external_id

    def members(self) -> dict[str, bytes]:
        """The posted run's members; reads its configuration."""
        return run.build_run_members(self._columns(RunColumns), self.configuration.body)


class RunStep(PostedRecord):
    """One step of a run (`thread.run.step`). It may be here before its run is."""

    pk = models.CompositePrimaryKey("run", "external_id")
    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, db_constraint=False, related_name="steps", db_index=False)
    run_external_id = models.TextField()
    thread_id = models.TextField(null=True)  # noqa: DJ001 - null is what was posted
    assistant_id = models.TextField(null=True)  # noqa: DJ001
    status = models.TextField()
    type = models.TextField()
    details = models.TextField(null=True, help_text="step_details as JSON, as posted")  # noqa: DJ001
    cancelled_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    expired_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, help_text="What OpenAI's and Azure's servers send in place of it")
    error_code = models.TextField(null=True)  # noqa: DJ001
    error_message = models.TextField(null=True)  # noqa: DJ001
    prompt_tokens = models.BigIntegerField(null=True)
    completion_tokens = models.BigIntegerField(null=True)
    total_tokens = models.BigIntegerField(null=True)
    cached_tokens = models.BigIntegerField(null=True)
    reasoning_tokens = models.BigIntegerField(null=True)
    # derived when written
    ended_at = models.DateTimeField(null=True)
    tool_types = ArrayField(models.TextField(), default=list, help_text="The kinds of its tool calls, in order")
    tool_names = ArrayField(
        models.TextField(), default=list, help_text="One a call: the function's name, or the kind where it has none"
    )
    # found out after it was written (see `runs.enrichment.tool_call_validation`); null: not yet
    misargued = ArrayField(
        models.TextField(), null=True, help_text="Names of the calls that do not keep to the run's own tools"
    )
    tool_outputs = ArrayField(
        models.IntegerField(null=True),
        null=True,
        help_text="One a call: the bytes of its output, null where it has none",
    )

    objects = StepQuerySet.as_manager()

    class Meta:
        db_table = "run_step"
        indexes: ClassVar = [
            # function:… and tool:…, the runs that called what few call; common names are met walking the list
            GinIndex(fields=["tool_names"], name="step_tool_names"),
            GinIndex(fields=["tool_types"], name="step_tool_types"),
            # the newest calls, over which percentiles are taken
            models.Index("project", "created_at", name="step_calls", condition=HAS_TOOL_CALLS),
            # what is still to be held against its run's tools; by time, since entries at the end cost least
            models.Index("received_at", name="step_unchecked", condition=HAS_TOOL_CALLS & models.Q(misargued=None)),
            # misargued:… and a tool's mis-argued calls; few are
            GinIndex(fields=["misargued"], name="step_misargued", condition=~models.Q(misargued=[])),
            # failing:… and a tool's failed calls; few are
            GinIndex(fields=["tool_names"], name="step_failed", condition=models.Q(status="failed")),
            # misargued:* and failing:*, the runs with any
            models.Index("run", name="step_any_misargued", condition=~models.Q(misargued=[])),
            models.Index("run", name="step_any_failed", condition=HAS_TOOL_CALLS & models.Q(status="failed")),
        ]

    def __str__(self) -> str:
        return self.external_id

    def members(self) -> dict[str, bytes]:
        """The posted step's members."""
        return step.build_step_members(self._columns(StepColumns))


class Message(PostedRecord):
    """One message of a thread (`thread.message`)."""

    id = models.UUIDField(primary_key=True, editable=False)
    thread_id = models.TextField()
    run_external_id = models.TextField(null=True)  # noqa: DJ001 - null is what was posted
    assistant_id = models.TextField(null=True)  # noqa: DJ001
    status = models.TextField(null=True)  # noqa: DJ001
    role = models.TextField()
    content = models.TextField(null=True, help_text="JSON, as posted")  # noqa: DJ001
    text = models.TextField(default="", help_text="The text parts of the content, for display and search")
    completed_at = models.DateTimeField(null=True)
    incomplete_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        db_table = "message"
        indexes: ClassVar = [
            # a thread in order
            models.Index("project", "thread_id", "created_at", "id", name="message_thread"),
            # what a run wrote
            models.Index("project", "run_external_id", name="message_run"),
            # threads by their first message
            models.Index("project", "created_at", "id", name="message_newest"),
        ]

    def __str__(self) -> str:
        return self.external_id

    def members(self) -> dict[str, bytes]:
        """The posted message's members."""
        return message.build_message_members(self._columns(MessageColumns))


class Observation(models.Model):
    """One entry of a run's history: a post that changed it, or one that came too late to.

    The first post needs no row: `Run.received_at` and `Run.received_key` tell of it, and each later row keeps
    what it replaced, so every earlier version can be rebuilt from the newest one backwards.
    """

    class Outcome(models.TextChoices):
        UPDATED = "updated"
        STALE = "stale"

    pk = models.CompositePrimaryKey("run", "n")
    run = models.ForeignKey(
        Run, on_delete=models.DO_NOTHING, db_constraint=False, related_name="observations", db_index=False
    )
    n = models.IntegerField(help_text="Its place in the run's history, from 1")
    outcome = models.TextField(choices=Outcome.choices)
    received_at = models.DateTimeField()
    received_key = models.ForeignKey(
        ApiKey, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+"
    )
    status_before = models.TextField()
    status_after = models.TextField(help_text="Of a stale post: the status it spoke of")
    changed = ArrayField(models.TextField(), help_text="Top-level fields that differ")
    other = models.TextField(
        help_text="JSON object of those fields: as they were before an update, or as a stale post had them. "
        "A field that was absent there is not in it"
    )
    conflict = models.BooleanField(default=False, help_text="Two terminal statuses contradict each other")
    digest = models.BigIntegerField(help_text="Of the posted object, so that a stale post is recorded once")

    objects = ObservationQuerySet.as_manager()

    class Meta:
        db_table = "observation"

    def __str__(self) -> str:
        return f"{self.run_id} {self.n}"
