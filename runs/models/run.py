"""Runs.

Ids of records are derived (uuid5 of the project and the posted id), never taken from a sequence, and the keys of child
records start with the id of their run. The database enforces no foreign keys between them: a step may arrive before
its run, and the tables may be spread over several servers.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

import psycopg
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
from django.db import connection, models
from django.db.models.functions import Left

from runs.db import sql
from runs.db.keyset_pagination import (
    MISSING_SORT_VALUE,
    Cursor,
    Order,
    coalesce_missing,
    is_after,
    is_up_to,
    order_by_columns,
    precedes_outer_row,
)
from runs.db.lookups import collate_bytewise
from runs.models.configuration import Configuration
from runs.models.error_group import ErrorGroup
from runs.models.posted_record import PostedRecord
from runs.models.project import Project
from runs.models.run_source import RunSource
from runs.models.thread_order import RUN_RANK, SAME_THREAD_AS_OUTER, ThreadPosition, order_in_thread
from runs.protocol.run import RunColumns, build_run_members

ERROR_PREVIEW_LENGTH = 400  # characters
# The newest earlier runs of an assistant that are searched for a completed one.
MAX_RUNS_LOOKED_BACK = 500
# No run takes longer, and every run is posted at its end at the latest.
MAX_RUN_DURATION = timedelta(hours=1)
# The pending list of a GIN index is counted as part of its size, and every search reads it.
GIN_PENDING_LIST_KB = 512
# The statuses of the protocol that are not final.
ACTIVE_STATUSES = ("cancelling", "in_progress", "queued", "requires_action")

_SELECT_DERIVED = "SELECT id, source FROM run WHERE id = ANY(%s::uuid[]) AND source <> 0"


class RunQuerySet(models.QuerySet["Run"]):
    """Queries on runs.

    `project` is set by `in_project`. `is_missing_sort_value` is set by `missing_sort_value`.
    """

    project: Project | None = None
    is_missing_sort_value = False

    def in_project(self, project: Project) -> Self:
        """Return the runs of `project`."""
        runs = self.filter(project=project)
        runs.project = project
        return runs

    def find(self, project: Project, run_id: str) -> Run | None:
        """Return the run that was posted to `project` with that id."""
        return self.filter(pk=project.record_id(run_id)).first()

    def with_ids(self, ids: Iterable[uuid.UUID]) -> Self:
        """Return the runs with those stored ids."""
        return self.filter(pk__in=list(ids))

    def with_external_ids(self, project: Project, run_ids: Iterable[str]) -> Self:
        """Return the runs that were posted to `project` with those ids."""
        return self.filter(pk__in=[project.record_id(run_id) for run_id in run_ids])

    # Sorting and pages

    def with_id_prefix(self, prefix: str) -> Self:
        """Return the runs whose posted id begins with `prefix`; the index run_external_id finds them."""
        return self.filter(external_id__startswith=prefix)

    def newest_first(self) -> Self:
        """Order by time, newest first. The id breaks ties, so that pages never overlap."""
        return self.order_by("-created_at", "-id")

    def sorted_by(self, order: Order) -> Self:
        """Order by `order`. The id breaks ties, so that pages never overlap."""
        if order.is_never_null:
            return order_by_columns(self, (order.column, "id"), descending=order.descending)
        is_missing = {f"{order.column}__isnull": True}
        # runs without a value are sorted among themselves by time, newest first
        times = (models.Case(models.When(**is_missing, then=name)) for name in ("created_at", "id"))
        sign = "-" if order.descending else ""
        return self._with_sort_key(order).order_by(f"{sign}sort_key", *(time.desc() for time in times), f"{sign}id")

    def with_sort_value(self, order: Order) -> Self:
        """Return the runs that have a value in `order`, whose column must be nullable, sorted by it."""
        runs = self._with_sort_key(order).filter(sort_key__gt=MISSING_SORT_VALUE)
        return order_by_columns(runs, (_sort_column(order), "id"), descending=order.descending)

    def missing_sort_value(self, order: Order, *, newest_first: bool = True) -> Self:
        """Return the runs without a value in `order`, sorted by time."""
        runs = self.filter(**{f"{order.column}__isnull": True})
        runs.is_missing_sort_value = True
        return order_by_columns(runs, ("created_at", "id"), descending=newest_first)

    def after(self, cursor: Cursor | None) -> Self:
        """Return the runs after `cursor` in its order. All of them must have a value in that order."""
        if cursor is None:
            return self
        order, position = cursor.order, (cursor.value, cursor.id)
        runs = self._with_sort_key(order)
        return runs.filter(is_after((_sort_column(order), "id"), position, descending=order.descending))

    def up_to(self, cursor: Cursor) -> Self:
        """Return the runs up to and including the one at `cursor`. All of them must have a value in its order."""
        order, position = cursor.order, (cursor.value, cursor.id)
        runs = self._with_sort_key(order)
        return runs.filter(is_up_to((_sort_column(order), "id"), position, descending=order.descending))

    def adjacent_ids(self, run: Run, order: Order) -> tuple[str | None, str | None]:
        """Return the posted ids of the runs before and after `run` in `order`. `run` itself need not match."""
        if order.is_never_null:
            before, after = ([self.sorted_by(way).after(way.cursor_at(run))] for way in (order.reversed, order))
        else:
            cursor = order.cursor_at(run)
            before, after = (self.sort_parts(order, cursor, backwards=backwards) for backwards in (True, False))
        return _first_external_id(before), _first_external_id(after)

    def first_ids(self, order: Order, limit: int) -> list[uuid.UUID]:
        """Return the stored ids of the first `limit` runs in `order`. Takes two queries at most."""
        ids: list[uuid.UUID] = []
        for part in [self.sorted_by(order)] if order.is_never_null else self.sort_parts(order, None):
            if len(ids) < limit:
                ids += part.values_list("id", flat=True)[: limit - len(ids)]
        return ids

    def sort_parts(self, order: Order, after: Cursor | None, *, backwards: bool = False) -> list[Self]:
        """Return the runs after a cursor in two parts, those with and those without a value in `order`.

        The parts are in list order. No index has both of them in this order, so they are queried separately.
        """
        way = order.reversed if backwards else order
        with_value = self.with_sort_value(way)
        missing = self.missing_sort_value(order, newest_first=not backwards)
        if after and after.is_missing_sort_value:
            missing = missing.filter(is_after(("created_at", "id"), (after.value, after.id), descending=not backwards))
            return [missing] if way.descending else [missing, with_value]
        with_value = with_value.after(after and after._replace(order=way))
        if way.descending:
            return [with_value, missing]
        return [with_value] if after else [missing, with_value]

    def _with_sort_key(self, order: Order) -> Self:
        return self if order.is_never_null else self.alias(sort_key=coalesce_missing(order.column))

    # Threads

    def in_thread(self, project: Project, thread_id: str) -> Self:
        """Return the runs of one thread."""
        return self.filter(project=project, thread_id=thread_id)

    def threads_without_runs(self, project: Project, thread_ids: Collection[str]) -> list[str]:
        """Return those of `thread_ids` in which there is none of the runs."""
        runs = self.filter(project=project, thread_id__in=list(thread_ids)).order_by()
        return sorted(set(thread_ids).difference(runs.values_list("thread_id", flat=True).distinct()))

    def opening_threads(self, messages: models.QuerySet[Any]) -> Self:
        """Return the runs that come first in their thread, before all of `messages`."""
        earlier = self.filter(**SAME_THREAD_AS_OUTER).filter(precedes_outer_row("created_at", "id"))
        earlier_messages = messages.filter(**SAME_THREAD_AS_OUTER, created_at__lt=models.OuterRef("created_at"))
        return self.filter(~models.Exists(earlier), ~models.Exists(earlier_messages))

    def in_thread_order(self, after: ThreadPosition | None) -> Self:
        """Order runs as they happened (see `runs.models.thread_order`), and keep those after a position."""
        return order_in_thread(self.alias(rank=models.Value(RUN_RANK)), after)

    def previous_id_in_thread(self, run: Run) -> str | None:
        """Return the posted id of the run before `run` in its thread."""
        earlier = self._in_thread_of(run).filter(is_after(*_by_time(run), descending=True)).newest_first()
        return earlier.values_list("external_id", flat=True).first()

    def next_id_in_thread(self, run: Run) -> str | None:
        """Return the posted id of the run after `run` in its thread."""
        later = self._in_thread_of(run).filter(is_after(*_by_time(run), descending=False))
        return later.order_by("created_at", "id").values_list("external_id", flat=True).first()

    def position_in_thread(self, run: Run, limit: int) -> tuple[int, int] | None:
        """Return the number of `run` in its thread, from 1, and the number of runs; None if there are over `limit`."""
        runs = self._in_thread_of(run).order_by("created_at", "id").values("created_at", "id")[: limit + 1]
        up_to_run = models.Q(is_up_to(*_by_time(run), descending=False))
        counts = runs.aggregate(number=models.Count("id", filter=up_to_run), total=models.Count("id"))
        return None if counts["total"] > limit else (counts["number"], counts["total"])

    def _in_thread_of(self, run: Run) -> Self:
        return self.filter(project_id=run.project_id, thread_id=run.thread_id)

    def with_previous_in_thread(self) -> Self:
        """Annotate when the previous run of the thread was created, as `previous_created_at`; None without one."""
        earlier = Run.objects.filter(**SAME_THREAD_AS_OUTER).filter(precedes_outer_row("created_at", "id"))
        newest = earlier.order_by("-created_at", "-id").values("created_at")[:1]
        return self.annotate(previous_created_at=models.Subquery(newest))

    # Selections

    def of_assistant(self, project: Project, assistant_id: str) -> Self:
        """Return the runs of one assistant."""
        return self.filter(project=project, assistant_id=assistant_id)

    def ended(self) -> Self:
        """Return the runs that ended, with any outcome."""
        return self.filter(ended_at__isnull=False)

    def in_error_group(self, group_id: uuid.UUID) -> Self:
        """Return the runs of one error group."""
        return self.filter(error_group_id=group_id)

    def received_after(self, moment: datetime) -> Self:
        """Return the runs first received after `moment`, without those that are too old to be new: imports."""
        return self.filter(created_at__gte=moment - MAX_RUN_DURATION, received_at__gt=moment)

    def received_until(self, moment: datetime) -> Self:
        """Return the runs first received at `moment` or before."""
        return self.filter(received_at__lte=moment)

    def last_received_at(self, project: Project) -> datetime | None:
        """Return when the last run of `project` was first received; None if there is none."""
        runs = self.filter(project=project).order_by("-received_at")
        return runs.values_list("received_at", flat=True).first()

    def oldest_created_at(self) -> datetime | None:
        """Return when the oldest of the runs was created."""
        return self.order_by("created_at").values_list("created_at", flat=True).first()

    def last_completed_id_before(self, run: Run) -> str | None:
        """Return the posted id of the assistant's newest completed run before `run`.

        Only the `MAX_RUNS_LOOKED_BACK` newest runs are searched.
        """
        runs = self.filter(project_id=run.project_id, assistant_id=run.assistant_id)
        earlier = runs.filter(is_after(*_by_time(run), descending=True)).newest_first()
        recent = earlier.values_list("status", "external_id")[:MAX_RUNS_LOOKED_BACK]
        return next((run_id for status, run_id in recent if status == "completed"), None)

    def count_at_most(self, limit: int) -> int:
        """Return the number of runs, counted up to `limit + 1`."""
        return self.order_by()[: limit + 1].count()

    def count_similar(self, run: Run, since: datetime, limit: int) -> dict[str, int]:
        """Count the runs created since then: `all`, those of the same `assistant`, and those of the same `model`.

        Only the `limit + 1` newest runs are counted.
        """
        newest = self.filter(created_at__gte=since).order_by("-created_at").values("id", "assistant_id", "model")
        counts: dict[str, int] = newest[: limit + 1].aggregate(
            all=models.Count("id"),
            assistant=models.Count("id", filter=models.Q(assistant_id=run.assistant_id)),
            model=models.Count("id", filter=models.Q(model=run.model)),
        )
        return counts

    def read_derived_sources(self, run_ids: Iterable[str]) -> Callable[[], dict[str, RunSource]]:
        """Send a query for the derived ones among runs, and return a function that fetches their sources.

        Runs are given and returned by the hexadecimal digits of their stored ids. In `sql.pipeline`, more queries can
        be sent before the result is fetched.
        """
        cursor = psycopg.Cursor(connection.connection)
        cursor.execute(_SELECT_DERIVED, [sql.format_array(run_ids)], prepare=True)

        def fetch() -> dict[str, RunSource]:
            with cursor:
                return {run_id.hex: RunSource(source) for run_id, source in cursor.fetchall()}

        return fetch

    # Loaded fields and related records

    def for_list(self) -> Self:
        """Defer long texts, and annotate the beginning of error messages as `error_preview`."""
        return self.defer("required_action", "extra", "error_message").annotate(
            error_preview=Left("error_message", ERROR_PREVIEW_LENGTH)
        )

    def with_configuration(self) -> Self:
        """Prefetch the configurations, since the two tables may live on different servers."""
        return self.prefetch_related("configuration")

    def with_tag_names(self, tags: models.QuerySet[Any]) -> Self:
        """Annotate the sorted names of those of `tags` that a run has, as `tag_names`, for streamed files."""
        names = tags.filter(run=models.OuterRef("pk")).order_by("tag").values("tag")
        return self.annotate(tag_names=ArraySubquery(names))

    def with_reviews(self) -> Self:
        """Annotate who reviewed a run as `reviewed_by`, and when as `reviewed_at`; None if nobody did."""
        return self.annotate(reviewed_by=models.F("review__reviewer"), reviewed_at=models.F("review__reviewed_at"))

    def for_export(self) -> Self:
        """Order by time, oldest first, then by posted id, so that a copy has the same order as the original."""
        return self.order_by("created_at", collate_bytewise("external_id")).with_configuration()

    def for_backfill(self, project: Project, after: uuid.UUID | None) -> Self:
        """Lock the runs of `project` with ids greater than `after`, in order of id, and load what enrichment reads."""
        fields = ("project", "created_at", "status", "assistant_id", "model", "error_code", "error_message", "source")
        usage = ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")
        derived = ("incomplete_reason", "pending_functions", "cost", "error_group")
        runs = self.filter(project=project).order_by("pk").only(*fields, *usage, *derived).select_for_update()
        return runs if after is None else runs.filter(pk__gt=after)

    def locked(self) -> Self:
        """Lock the rows until the transaction ends, in order of id, as every writer does."""
        return self.select_for_update().order_by("pk")

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]  # missing in the stubs
        clone.project, clone.is_missing_sort_value = self.project, self.is_missing_sort_value
        return clone


def _sort_column(order: Order) -> str:
    """Return the column to sort by. For a nullable column it is `sort_key` (see `coalesce_missing`)."""
    return order.column if order.is_never_null else "sort_key"


def _by_time(run: Run) -> tuple[tuple[str, str], tuple[datetime, uuid.UUID]]:
    """Return the columns that order runs by time, and the values of `run`."""
    return ("created_at", "id"), (run.created_at, run.id)


def _first_external_id(parts: Iterable[RunQuerySet]) -> str | None:
    ids = (part.values_list("external_id", flat=True).first() for part in parts)
    return next((run_id for run_id in ids if run_id is not None), None)


class Run(PostedRecord):
    """An execution of an assistant on a thread (`thread.run`), in its newest known state."""

    class Status(models.TextChoices):
        """The statuses of the published protocol. Any other string is stored and shown as posted."""

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
        """The edition of the protocol that the posted object follows."""

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
    source = models.SmallIntegerField(choices=RunSource.choices, default=RunSource.ASSISTANTS, db_default=0)
    # derived on write, for sorting and filtering
    revision = models.TextField(choices=Revision.choices)
    ended_at = models.DateTimeField(null=True, help_text="The timestamp that belongs to the terminal status")
    duration_ms = models.BigIntegerField(null=True, help_text="From created_at to ended_at")
    action_type = models.TextField(null=True)  # noqa: DJ001
    pending_functions = ArrayField(
        models.TextField(), null=True, help_text="Names of the tool calls whose outputs the run waits for"
    )
    cost = models.BigIntegerField(null=True, help_text="Estimate in nano-dollars; null if the model has no price")
    error_group = models.ForeignKey(
        ErrorGroup, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="runs"
    )
    previous_created_at: datetime | None  # annotated by `RunQuerySet.with_previous_in_thread`
    error_preview: str | None  # the beginning of error_message, annotated by `RunQuerySet.for_list`

    objects = RunQuerySet.as_manager()

    class Meta:
        db_table = "run"
        # Ascending, and scanned backwards. Only where a page may be full of equal times does an index end with the id,
        # which breaks ties. Elsewhere the few runs of one second are sorted, and an entry is 16 bytes shorter.
        indexes: ClassVar = [
            # the list, newest first, and its next page
            models.Index("project", "created_at", "id", name="run_newest"),
            # each filter has an index in list order; without one, a filter with only old matches would scan run_newest
            models.Index("project", "status", "created_at", name="run_status"),
            models.Index("project", "model", "created_at", name="run_model"),
            models.Index(
                "project",
                "assistant_id",
                "created_at",
                name="run_assistant",
            ),
            # runs of a thread, and the previous and next one
            models.Index("project", "thread_id", "created_at", "id", name="run_thread"),
            # runs of one configuration
            models.Index("configuration", "created_at", name="run_configuration"),
            # runs with one error code; most runs have none
            models.Index(
                "project",
                "error_code",
                "created_at",
                name="run_error",
                condition=models.Q(error_code__isnull=False),
            ),
            # reason:…; few runs are incomplete
            models.Index(
                "project",
                "incomplete_reason",
                "created_at",
                name="run_reason",
                condition=models.Q(incomplete_reason__isnull=False),
            ),
            # awaiting:… and runs that wait for tool outputs, newest first; few do at a time
            models.Index(
                "project",
                "created_at",
                name="run_awaiting",
                condition=models.Q(pending_functions__isnull=False),
            ),
            # runs that wait, are past their expiry or silent, oldest first; few runs are active at a time
            models.Index(
                "project", "created_at", "id", name="run_active", condition=models.Q(status__in=list(ACTIVE_STATUSES))
            ),
            # runs of one error group, newest first; most runs have none
            models.Index(
                "error_group",
                "created_at",
                name="run_error_group",
                condition=models.Q(error_group__isnull=False),
            ),
            # runs of any error group, with the columns that are summed, since the runs lie far apart in the table
            models.Index(
                "project",
                "created_at",
                name="run_error_sums",
                include=("error_group", "assistant_id", "model", "configuration", "total_tokens", "cost"),
                condition=models.Q(error_group__isnull=False),
            ),
            # id:run_ab* and pasted ids, in byte order regardless of the server's collation
            models.Index(models.F("project"), OpClass("external_id", "text_pattern_ops"), name="run_external_id"),
            # revision:v1 and revision:azure; nearly all servers send v2, which a scan of the list finds soon
            models.Index("project", "revision", name="run_revision", condition=~models.Q(revision="v2")),
            # source:responses and source:otel, newest first; a run that is posted itself costs no entry
            models.Index("project", "source", "created_at", name="run_source", condition=~models.Q(source=0)),
            # the list by duration and by tokens, in both directions (see `Order`); duration:>30s, total_tokens:>10k.
            # Values repeat, and without the id equal entries share one; runs of equal values are sorted
            models.Index("project", coalesce_missing("duration_ms"), name="run_by_duration"),
            models.Index("project", coalesce_missing("total_tokens"), name="run_by_tokens"),
            # the list by cost; cost:>0.05
            models.Index("project", coalesce_missing("cost"), name="run_by_cost"),
            # received:-1h, ended:<2026-05-01, prompt_tokens:>1M and the like. Each either matches soon in the list, or
            # matches few runs, whose pages this index finds: it stores the range of values of every four pages. Runs
            # are stored as they arrive, so neighbours have similar times. They do not have similar token counts, but
            # the counts that people search for are rare. The differences tell whether any run started or ended before
            # it was created
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
            # metadata.customer:acme (@>), metadata.customer:* (?), and a word that is the value of any key (@@).
            # jsonb_path_ops would be a third smaller, but only jsonb_ops serves the last two
            GinIndex(fields=["metadata"], name="run_metadata", gin_pending_list_limit=GIN_PENDING_LIST_KB),
            # error_message:"too many" and free text; few runs have a message
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
        """Return the members of the posted run. It reads the configuration."""
        return build_run_members(self._columns(RunColumns), self.configuration.body)
