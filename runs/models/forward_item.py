"""The work that the forwarder still has to do: an outbox, written in the transaction of what it names.

A cursor over times of receipt would miss what commits late, and could not tell which spans of a large trace are new. A
row here exists from the same moment as what it names, and is deleted when the target has taken it: so nothing is lost
whenever a process is killed, and at worst something is sent twice. Rows hold ids only; content is read when it is sent.

A run has one row per target, however often it changes before it is sent. Spans have a row per post and trace.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple, Self

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

from runs.models.project import Project

# Of spans in one row, so that a page of rows is small.
MAX_SPANS_PER_ITEM = 512
# A run is sent when it has not changed for so long, since its steps and messages follow in posts of their own.
QUIET_TIME = timedelta(seconds=10)
MAX_QUIET_TIME = timedelta(seconds=60)

_QUEUE_RUNS = """
    INSERT INTO forward_item (target, project_id, kind, record, span_ids, queued_at, changed_at)
    SELECT target, %(project)s, %(kind)s, record, '{}', %(now)s, %(now)s
      FROM unnest(%(targets)s::text[]) AS target,
           (SELECT unnest(%(runs)s::uuid[])
             UNION
            SELECT answer.id FROM message, LATERAL (
                SELECT id FROM run
                 WHERE project_id = message.project_id AND thread_id = message.thread_id
                   AND created_at >= message.created_at
                 ORDER BY created_at, id LIMIT 1) AS answer
             WHERE message.id = ANY(%(messages)s::uuid[])) AS changed (record)
     ORDER BY record, target
    ON CONFLICT (target, record) WHERE kind = 1 DO UPDATE SET changed_at = excluded.changed_at"""
_DELETE_SENT = """
    DELETE FROM forward_item USING unnest(%s::bigint[], %s::timestamptz[]) AS sent (id, changed_at)
     WHERE forward_item.id = sent.id AND forward_item.changed_at = sent.changed_at"""
_DELETE_OVERFLOW = """
    DELETE FROM forward_item WHERE target = %(target)s AND id <= (
        SELECT max(id) FROM (
            SELECT id, sum(greatest(cardinality(span_ids), 1)) OVER (ORDER BY id DESC) AS newer
              FROM forward_item WHERE target = %(target)s) AS counted
         WHERE newer > %(limit)s)
    RETURNING greatest(cardinality(span_ids), 1)"""
_DELETE_EXPIRED = """
    DELETE FROM forward_item WHERE queued_at < %s RETURNING target, greatest(cardinality(span_ids), 1)"""
_COUNT_WAITING = """
    SELECT coalesce(sum(greatest(cardinality(span_ids), 1)), 0), min(queued_at) FROM forward_item WHERE target = %s"""


class WaitingItems(NamedTuple):
    """The number of spans and runs that wait for a target, and since when the oldest does."""

    total: int
    oldest: datetime | None


class ForwardItemQuerySet(models.QuerySet["ForwardItem"]):
    """Queries on what has to be sent."""

    def due(self, target: str, now: datetime) -> Self:
        """Return what can be sent to a target by now, the oldest first."""
        is_quiet = models.Q(changed_at__lte=now - QUIET_TIME) | models.Q(queued_at__lte=now - MAX_QUIET_TIME)
        return self.filter(models.Q(kind=ForwardItem.Kind.SPANS) | is_quiet, target=target).order_by("pk")

    def queue_runs(
        self,
        project: Project,
        targets: Sequence[str],
        run_keys: Collection[str],
        message_keys: Collection[str],
        now: datetime,
    ) -> None:
        """Queue runs, and the runs that answer messages, by the hexadecimal digits of their stored ids."""
        params: dict[str, int | datetime | list[str]] = {
            "project": project.pk,
            "kind": ForwardItem.Kind.RUN.value,
            "now": now,
            "targets": list(targets),
            "runs": sorted(run_keys),
            "messages": sorted(message_keys),
        }
        with connection.cursor() as cursor:
            cursor.execute(_QUEUE_RUNS, params)

    def queue_spans(
        self, project: Project, targets: Iterable[str], spans: Mapping[uuid.UUID, Sequence[str]], now: datetime
    ) -> None:
        """Queue spans, given by the stored id of their trace."""
        self.bulk_create(
            ForwardItem(
                target=target,
                project=project,
                kind=ForwardItem.Kind.SPANS,
                record=trace_key,
                span_ids=list(span_ids[begin : begin + MAX_SPANS_PER_ITEM]),
                queued_at=now,
                changed_at=now,
            )
            for target in targets
            for trace_key, span_ids in spans.items()
            for begin in range(0, len(span_ids), MAX_SPANS_PER_ITEM)
        )

    def delete_sent(self, items: Sequence[ForwardItem]) -> None:
        """Delete items, except runs that have changed since they were read."""
        with connection.cursor() as cursor:
            cursor.execute(_DELETE_SENT, [[item.pk for item in items], [item.changed_at for item in items]])

    def delete_overflow(self, target: str, limit: int) -> int:
        """Keep only the newest `limit` spans and runs of a target, and return the number of those deleted."""
        with connection.cursor() as cursor:
            cursor.execute(_DELETE_OVERFLOW, {"target": target, "limit": limit})
            return sum(count for (count,) in cursor.fetchall())

    def delete_expired(self, before: datetime) -> dict[str, int]:
        """Delete what was queued before then, and return the numbers of spans and runs by target."""
        deleted: dict[str, int] = {}
        with connection.cursor() as cursor:
            cursor.execute(_DELETE_EXPIRED, [before])
            for target, count in cursor.fetchall():
                deleted[target] = deleted.get(target, 0) + count
        return deleted

    def count_waiting(self, target: str) -> WaitingItems:
        """Return what waits for a target."""
        with connection.cursor() as cursor:
            cursor.execute(_COUNT_WAITING, [target])
            count, oldest = cursor.fetchone()
        return WaitingItems(int(count), oldest)


class ForwardItem(models.Model):
    """A run, or spans of a trace, that a target has not taken yet."""

    class Kind(models.IntegerChoices):
        """What `record` is the stored id of: a run, or a trace."""

        RUN = 1
        SPANS = 2

    id = models.BigAutoField(primary_key=True)
    target = models.TextField(help_text="The URL that it is sent to")
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    kind = models.SmallIntegerField(choices=Kind.choices)
    record = models.UUIDField()
    span_ids = ArrayField(models.TextField(), default=list)
    queued_at = models.DateTimeField()
    changed_at = models.DateTimeField(help_text="When the run was last changed")

    objects = ForwardItemQuerySet.as_manager()

    class Meta:
        db_table = "forward_item"
        indexes: ClassVar = [models.Index("target", "id", name="forward_item_order")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["target", "record"], name="forward_item_run", condition=models.Q(kind=1)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.record} to {self.target}"
