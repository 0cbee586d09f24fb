"""The links between stored responses, read without their JSON, and the locks that guard them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from django.db import connection

from runs.models import Project
from runs.models.response import ResponseQuerySet

# All names are spread over so many locks, since a transaction can hold only a few.
_LOCK_COUNT = 64
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('responses'), key) FROM unnest(%s::integer[]) AS key"
_LATER = datetime.max.replace(tzinfo=UTC)


class ResponseLink(NamedTuple):
    """The links of a response, and what its order and its turn depend on."""

    external_id: str
    created_at: datetime
    completed_at: datetime | None
    is_open: bool
    previous_response_id: str | None
    conversation_id: str | None
    thread_id: str
    run_external_id: str

    @property
    def order(self) -> tuple[datetime, datetime, str]:
        """The position among responses that continue the same one, or are in the same conversation."""
        return self.created_at, self.completed_at or _LATER, self.external_id


def fetch_links(responses: ResponseQuerySet) -> dict[str, ResponseLink]:
    """Return the links of responses by their posted ids."""
    rows = responses.order_by().values_list(*ResponseLink._fields)
    return {row[0]: ResponseLink(*row) for row in rows}


def lock_threads(project: Project, names: Iterable[str]) -> set[int]:
    """Hold back other writers of the same threads until the transaction ends. Return the locks.

    Names are ids of responses, conversations and threads.
    """
    locks = thread_locks(project, names)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [sorted(locks)])
    return locks


def thread_locks(project: Project, names: Iterable[str]) -> set[int]:
    """Return the locks that guard `names`."""
    return {zlib.crc32(f"{project.pk} {name}".encode()) % _LOCK_COUNT for name in names}
