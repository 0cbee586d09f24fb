"""The order of runs and messages within a thread."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, TypeVar

from django.db import models

from runs.db.keyset_pagination import is_after, order_by_columns

# The condition, in a subquery, that a record belongs to the thread of the outer query's record.
SAME_THREAD_AS_OUTER = {"project": models.OuterRef("project"), "thread_id": models.OuterRef("thread_id")}
# Ranks of what happened within one second: the messages of users, then runs, then the messages of assistants.
QUESTION_RANK, RUN_RANK, ANSWER_RANK = 0, 1, 2
THREAD_ORDER = ("created_at", "rank", "id")
# The position of a run or message in its thread, in the order of `THREAD_ORDER`.
ThreadPosition = tuple[datetime, int, uuid.UUID]
ThreadRecords = TypeVar("ThreadRecords", bound=models.QuerySet[Any])


def order_in_thread(records: ThreadRecords, after: ThreadPosition | None) -> ThreadRecords:
    """Order records that have a `rank` as they happened, and keep those that come after a position."""
    if after is not None:
        records = records.filter(is_after(THREAD_ORDER, after, descending=False), created_at__gte=after[0])
    return order_by_columns(records, THREAD_ORDER, descending=False)
