"""Traces of OpenTelemetry: their spans as they came, and the runs that are derived from them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

from runs.models.api_key import ApiKey
from runs.models.project import Project

_RUN_PREFIX = "trace_"
_TRACE_ID_DIGITS = 32
BYTES_PER_SPAN = 20_000  # see `Trace.size`

# The spans below those with the given ids. UNION ends circles of parents.
_BELOW = """
    WITH RECURSIVE below AS (
        SELECT span_id FROM span WHERE trace_id = %(trace)s AND span_id = ANY(%(roots)s)
        UNION
        SELECT child.span_id FROM span child JOIN below ON child.parent_id = below.span_id
        WHERE child.trace_id = %(trace)s
    )"""
_DELETE_BELOW = f"""{_BELOW}
    DELETE FROM span USING below WHERE trace_id = %(trace)s AND span.span_id = below.span_id"""  # noqa: S608
_DELETE_OTHERS = f"""{_BELOW}
    DELETE FROM span WHERE trace_id = %(trace)s AND NOT EXISTS (SELECT FROM below WHERE below.span_id = span.span_id)
    """  # noqa: S608

_SAVE_CHANGES = """
    UPDATE trace SET span_count = new.span_count, byte_count = new.byte_count, changed_at = new.changed_at,
                     due_at = new.due_at
      FROM unnest(%s::uuid[], %s::integer[], %s::bigint[], %s::timestamptz[], %s::timestamptz[])
           AS new (id, span_count, byte_count, changed_at, due_at)
     WHERE trace.id = new.id"""


class TraceQuerySet(models.QuerySet["Trace"]):
    """Queries on traces."""

    def in_project(self, project: Project) -> Self:
        """Return the traces of `project`."""
        return self.filter(project=project)

    def of_run(self, project: Project, run_id: str) -> Trace | None:
        """Return the trace from which the run with that posted id is derived."""
        trace_id = find_trace_id(run_id)
        return None if trace_id is None else self.filter(pk=make_trace_key(project, trace_id)).first()

    def due(self, project: Project, now: datetime) -> Self:
        """Return the traces whose runs must be derived by now, the earliest first."""
        return self.filter(project=project, due_at__lte=now).order_by("due_at", "pk")

    def lock_unlocked(self) -> Self:
        """Lock the traces until the transaction ends, and leave out those that others have locked."""
        return self.select_for_update(skip_locked=True)

    def fetch_run_ids(self, traces: Iterable[Trace]) -> dict[uuid.UUID, tuple[list[str], list[str]]]:
        """Return the stored ids of runs, and those of former runs, by the key of the trace."""
        rows = self.filter(pk__in=[trace.pk for trace in traces]).values_list("pk", "run_ids", "former_run_ids")
        return {pk: (run_ids, former_run_ids) for pk, run_ids, former_run_ids in rows}

    def without_run_ids(self) -> Self:
        """Leave out the ids of runs, of which a trace may have many."""
        return self.defer("run_ids", "former_run_ids")

    def save_changes(self, traces: Iterable[Trace]) -> None:
        """Write what storing spans changes: the counts, and when the runs must be derived."""
        rows = [(t.pk, t.span_count, t.byte_count, t.changed_at, t.due_at) for t in traces]
        if rows:
            with connection.cursor() as cursor:
                cursor.execute(_SAVE_CHANGES, [list(column) for column in zip(*rows, strict=True)])

    def without_runs(self, project: Project, changed_before: datetime) -> Self:
        """Return the traces from which no run is derived, and which have not changed since then."""
        return self.filter(project=project, run_ids=[], due_at=None, changed_at__lt=changed_before).order_by("pk")

    def delete_of_runs(self, project: Project, run_ids: Iterable[str]) -> None:
        """Delete the spans from which runs are derived, and traces of which no run remains."""
        by_trace: dict[uuid.UUID, set[str]] = {}
        for run_id in run_ids:
            if (trace_id := find_trace_id(run_id)) is not None:
                by_trace.setdefault(make_trace_key(project, trace_id), set()).add(run_id)
        for trace in self.filter(pk__in=list(by_trace)).select_for_update().order_by("pk"):
            if deleted := by_trace[trace.pk].intersection(trace.run_ids):
                trace.delete_runs(deleted)


class Trace(models.Model):
    """A trace. Its row is locked while spans are stored or runs derived."""

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    trace_id = models.TextField(help_text="32 hexadecimal digits")
    received_key = models.ForeignKey(
        ApiKey, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+"
    )
    span_count = models.IntegerField(default=0, db_default=0)
    byte_count = models.BigIntegerField(default=0, db_default=0)
    changed_at = models.DateTimeField(help_text="When a span was last stored")
    due_at = models.DateTimeField(null=True, help_text="When the runs must be derived again; null: they are up to date")
    run_ids = ArrayField(models.TextField(), default=list, help_text="Ids of the runs that are derived from it")
    former_run_ids = ArrayField(models.TextField(), default=list, help_text="Ids of runs that became parts of others")
    derived_size = models.BigIntegerField(
        default=0, db_default=0, help_text="`size` when it was last derived later and had grown much before"
    )
    repeated_derivations = models.IntegerField(
        default=0, db_default=0, help_text="How often it was derived later since then, without growing much"
    )

    objects = TraceQuerySet.as_manager()

    class Meta:
        db_table = "trace"
        indexes: ClassVar = [
            # traces to be derived; few are at a time
            models.Index("project", "due_at", name="trace_due", condition=models.Q(due_at__isnull=False)),
            # traces without runs, which are deleted after some time, and the export
            models.Index("project", "changed_at", name="trace_changed"),
        ]

    def __str__(self) -> str:
        return self.trace_id

    @property
    def rootless_run_id(self) -> str:
        """The id of the run of all spans that have no root."""
        return f"{_RUN_PREFIX}{self.trace_id}"

    @property
    def size(self) -> int:
        """The effort of deriving the runs, in bytes: a span takes as long as `BYTES_PER_SPAN` of contents."""
        return BYTES_PER_SPAN * self.span_count + self.byte_count

    def delete_runs(self, run_ids: set[str]) -> None:
        """Delete the spans of runs. With the last run, the whole trace is deleted."""
        remaining = [run_id for run_id in self.run_ids if run_id not in run_ids]
        if not remaining:
            self.delete_whole()
            return
        # All that no remaining run holds, unless what has no root remains: then only what is below the deleted roots.
        is_rootless_kept = self.rootless_run_id in remaining
        statement, kept = (_DELETE_BELOW, run_ids) if is_rootless_kept else (_DELETE_OTHERS, remaining)
        roots = [run_id.rpartition("_")[2] for run_id in kept]
        with connection.cursor() as cursor:
            cursor.execute(statement, {"trace": self.pk, "roots": roots})
        self.run_ids, self.span_count = remaining, Span.objects.filter(trace=self).count()
        self.save(update_fields=["run_ids", "span_count"])

    def read_origins(self, digests: Iterable[uuid.UUID]) -> models.QuerySet[SpanOrigin]:
        """Return the resources and scopes with those digests."""
        return SpanOrigin.objects.filter(trace=self, digest__in=set(digests))

    def read_logs(self, span_ids: Iterable[str]) -> models.QuerySet[SpanLog]:
        """Return the log records about those spans."""
        return SpanLog.objects.filter(trace=self, span_id__in=list(span_ids)).order_by("digest")

    def delete_whole(self) -> None:
        """Delete the trace and its spans."""
        for records in (Span.objects, SpanOrigin.objects, SpanLog.objects):
            records.filter(trace=self).delete()
        self.delete()


class SpanOrigin(models.Model):
    """The resource and the scope of spans of a trace, as OTLP JSON."""

    pk = models.CompositePrimaryKey("trace", "digest")
    trace = models.ForeignKey(Trace, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    digest = models.UUIDField(help_text="Hash of the contents")
    resource = models.TextField()
    scope = models.TextField()
    resource_schema_url = models.TextField()
    scope_schema_url = models.TextField()

    class Meta:
        db_table = "span_origin"

    def __str__(self) -> str:
        return str(self.digest)


class SpanQuerySet(models.QuerySet["Span"]):
    """Queries on spans."""

    def of_trace(self, trace: Trace | uuid.UUID) -> Self:
        """Return the spans of a trace, or of that with the stored id, in order of time."""
        return self.filter(trace=trace).order_by("started_ns", "span_id")

    def with_ids(self, span_ids: Iterable[str] | None) -> Self:
        """Return the spans with those ids; all if it is None."""
        return self if span_ids is None else self.filter(span_id__in=list(span_ids))

    def without_body(self) -> Self:
        """Load what the timeline draws."""
        return self.only("trace", "span_id", "parent_id", "name", "started_ns", "ended_ns", "is_error", "role")

    def iterate_bodies(self, chunk_size: int = 200) -> Iterator[Span]:
        """Iterate over spans with their bodies, few at a time in memory."""
        return self.iterator(chunk_size=chunk_size)


class Span(models.Model):
    """A span. `body` is OTLP JSON as it came; ids are in lower-case hex."""

    pk = models.CompositePrimaryKey("trace", "span_id")
    trace = models.ForeignKey(Trace, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    span_id = models.TextField(help_text="16 hexadecimal digits")
    parent_id = models.TextField(null=True)  # noqa: DJ001 - null is what came
    name = models.TextField()
    started_ns = models.BigIntegerField(help_text="Nanoseconds since 1970; 0: unknown")
    ended_ns = models.BigIntegerField(help_text="Nanoseconds since 1970; 0: unknown")
    flags = models.BigIntegerField()
    role = models.TextField(help_text="The part that it plays in a run; empty if no instrumentation of agents made it")
    is_error = models.BooleanField()
    origin = models.UUIDField(help_text="Digest of the span's origin")
    body = models.TextField()

    objects = SpanQuerySet.as_manager()

    class Meta:
        db_table = "span"

    def __str__(self) -> str:
        return self.span_id


class SpanLog(models.Model):
    """A log record about a span, as OTLP JSON. Its span may come later."""

    pk = models.CompositePrimaryKey("trace", "digest")
    trace = models.ForeignKey(Trace, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    digest = models.UUIDField(help_text="Hash of the contents")
    span_id = models.TextField()
    body = models.TextField()

    class Meta:
        db_table = "span_log"

    def __str__(self) -> str:
        return str(self.digest)


def make_trace_key(project: Project, trace_id: str) -> uuid.UUID:
    """Return the stored id of the trace with that posted id."""
    return project.record_id(f"{_RUN_PREFIX}{trace_id}")


def find_trace_id(run_id: str) -> str | None:
    """Return the id of the trace that the id of a derived run contains, None for other ids."""
    if not run_id.startswith(_RUN_PREFIX):
        return None
    trace_id = run_id[len(_RUN_PREFIX) :].partition("_")[0]
    return trace_id if len(trace_id) == _TRACE_ID_DIGITS else None


def find_root_span_id(run_id: str) -> str | None:
    """Return the id of the root span that the id of a derived run contains, None for runs without a root."""
    return run_id.rpartition("_")[2] if find_trace_id(run_id) and run_id.count("_") > 1 else None
