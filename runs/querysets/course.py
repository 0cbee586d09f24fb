"""How records of a thread and of an export are ordered: what the querysets of several have in common."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models
from django.db.models.functions import Collate

from runs.db.keyset_pagination import filter_after, order_by_columns

if TYPE_CHECKING:
    pass


SAME_THREAD_AS_OUTER = {"project": models.OuterRef("project"), "thread_id": models.OuterRef("thread_id")}
# Where something stands among a thread's runs and messages: when, what comes first within a second (what people
# asked, then runs, then what was answered), and its key.
QUESTION_RANK, RUN_RANK, ANSWER_RANK = 0, 1, 2
ThreadPosition = tuple[datetime, int, uuid.UUID]
ThreadRecords = TypeVar("ThreadRecords", bound=models.QuerySet[Any])


def order_in_thread(records: ThreadRecords, after: ThreadPosition | None) -> ThreadRecords:
    """`records`, annotated with their `rank`, as they went, from behind `after` on."""
    columns = ("created_at", "rank", "id")
    if after is not None:
        records = filter_after(records.filter(created_at__gte=after[0]), columns, after, descending=False)
    return order_by_columns(records, columns, descending=False)


def collate_bytewise(column: str) -> Collate:
    """A text column for sorting, alike on every server."""
    return Collate(column, "C")
