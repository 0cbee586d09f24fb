"""The transaction in which objects are stored and their runs are derived."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, transaction

from runs.db.disk_space import disk_space_for_writes
from runs.db.project_locks import lock_records_shared
from runs.db.retryable_errors import is_retryable
from runs.errors import TooManyRetries
from runs.models import Project
from runs.rollups import compaction

logger = logging.getLogger(__name__)

_MAX_ATTEMPTS = 10

ResultT = TypeVar("ResultT")


def run_in_derivation_transaction(project: Project, work: Callable[[], ResultT]) -> ResultT:
    """Run `work` in one transaction, and return its result. After a deadlock, it is run again.

    Deletions in the project wait until the transaction ends, or end before it begins. Raises TooManyRetries, DiskFull,
    Django's DatabaseError, and whatever `work` raises.
    """
    for _ in range(_MAX_ATTEMPTS):
        try:
            with disk_space_for_writes(), transaction.atomic():
                lock_records_shared(project.pk)()
                result = work()
            compaction.compact_rollups_occasionally(project)
        except OperationalError as error:
            if not is_retryable(error):
                raise
            logger.info("Deriving again after %s", error.__cause__, extra={"action": "retry_derivation"})
        else:
            return result
    raise TooManyRetries
