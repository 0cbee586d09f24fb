"""The configurations of an assistant as its versions, in order of first use.

By the times of their runs, not of receipt: an import of old runs finds the same versions as posting them did. Each
is looked up along `run_configuration`, a few index entries a version, however many runs there are.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from runs.models import Configuration, Project

# Servers that write instructions anew for each run make a configuration of each; the last received are looked at.
MAX_VERSIONS = 2_000
# Of each version; its runs are index entries, so counting them is cheap but not free.
MAX_COUNTED_VERSION_RUNS = 10_000
# Of each of those that were in use beside another, of which there may be many.
MAX_COUNTED_CONCURRENT_RUNS = 1_000

_VERSIONS = """
    SELECT received.id, first.created_at, last.created_at
      FROM (SELECT id, first_seen_at FROM configuration
             WHERE project_id = %s AND assistant_id = %s
             ORDER BY first_seen_at DESC, id DESC LIMIT %s) AS received,
           LATERAL (SELECT created_at FROM run WHERE configuration_id = received.id
                     ORDER BY created_at LIMIT 1) AS first,
           LATERAL (SELECT created_at FROM run WHERE configuration_id = received.id
                     ORDER BY created_at DESC LIMIT 1) AS last
     ORDER BY first.created_at, received.first_seen_at, received.id"""

_RECEIVED = """
    SELECT count(*)
      FROM (SELECT FROM configuration WHERE project_id = %s AND assistant_id = %s LIMIT %s) AS received"""

_COUNTS = """
    SELECT asked.id, (SELECT count(*) FROM (SELECT FROM run WHERE configuration_id = asked.id LIMIT %s) AS runs)
      FROM unnest(%s::uuid[]) AS asked (id)"""

# What the assistant ran on just before a version was first used, and just after it was last used; and whether the
# latter had been in use beside it.
_NEIGHBOURS = """
    SELECT asked.id, before.configuration_id, after.configuration_id, after.created_at,
           EXISTS (SELECT FROM run WHERE configuration_id = after.configuration_id
                      AND created_at > asked.first_at AND created_at < asked.last_at)
      FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) AS asked (id, first_at, last_at)
      LEFT JOIN LATERAL (SELECT configuration_id FROM run
                          WHERE project_id = %s AND assistant_id = %s AND created_at < asked.first_at
                          ORDER BY created_at DESC LIMIT 1) AS before ON true
      LEFT JOIN LATERAL (SELECT configuration_id, created_at FROM run
                          WHERE project_id = %s AND assistant_id = %s AND created_at > asked.last_at
                          ORDER BY created_at LIMIT 1) AS after ON true"""

_REPLACED = """
    SELECT before.configuration_id, first.created_at
      FROM (SELECT created_at FROM run WHERE configuration_id = %s ORDER BY created_at LIMIT 1) AS first,
           LATERAL (SELECT configuration_id FROM run
                     WHERE project_id = %s AND assistant_id = %s AND created_at < first.created_at
                     ORDER BY created_at DESC LIMIT 1) AS before"""

_BETWEEN = """
    SELECT asked.id, (SELECT count(*) FROM (
               SELECT FROM run
                WHERE configuration_id = asked.id AND created_at > %s AND created_at < %s LIMIT %s) AS runs)
      FROM unnest(%s::uuid[]) AS asked (id)"""


@dataclass(frozen=True, slots=True)
class AssistantVersion:
    """A configuration that has runs: the `number`th that was used, from the first run to the last one so far."""

    number: int
    id: uuid.UUID
    first_at: datetime
    last_at: datetime

    @property
    def name(self) -> str:
        return f"v{self.number}"

    def overlaps(self, other: AssistantVersion) -> bool:
        """Whether the times from first to last run of both have more than an end in common."""
        return self.first_at < other.last_at and other.first_at < self.last_at


@dataclass(frozen=True, slots=True)
class AssistantVersions:
    """All versions of an assistant, the first one first; `is_capped`: there may be more that were received before."""

    project: Project
    assistant_id: str
    versions: tuple[AssistantVersion, ...]
    is_capped: bool

    @property
    def current(self) -> AssistantVersion:
        """The one that was used last."""
        return max(self.versions, key=lambda version: (version.last_at, version.number))

    def find(self, prefix: str) -> AssistantVersion | None:
        """The version whose id begins with those hexadecimal digits, if that is one."""
        found = [version for version in self.versions if version.id.hex.startswith(prefix)]
        return found[0] if len(found) == 1 else None

    def get(self, version_id: uuid.UUID | None) -> AssistantVersion | None:
        """The version with that id, if it is among those that are known."""
        return next((version for version in self.versions if version.id == version_id), None)


@dataclass(frozen=True, slots=True)
class AdjacentVersions:
    """What was in use just before a version came, and what came back when it went, at `restored_at`.

    `restored` is there only where that had been used before, and was not while the version was.
    """

    previous: AssistantVersion | None
    restored: AssistantVersion | None = None
    restored_at: datetime | None = None


def fetch_versions(project: Project, assistant_id: str) -> AssistantVersions:
    """The versions of an assistant; two queries."""
    with connection.cursor() as cursor:
        cursor.execute(_RECEIVED, [project.pk, assistant_id, MAX_VERSIONS + 1])
        capped = cursor.fetchone()[0] > MAX_VERSIONS
        cursor.execute(_VERSIONS, [project.pk, assistant_id, MAX_VERSIONS])
        rows = cursor.fetchall()
    return AssistantVersions(
        project, assistant_id, tuple(AssistantVersion(n, *row) for n, row in enumerate(rows, 1)), capped
    )


def count_version_runs(found: Sequence[AssistantVersion]) -> dict[uuid.UUID, int]:
    """How many runs each has, counted no further than one above `MOST_COUNTED`; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [MAX_COUNTED_VERSION_RUNS + 1, [version.id for version in found]])
        return dict(cursor.fetchall())


def fetch_adjacent_versions(
    known: AssistantVersions, found: Sequence[AssistantVersion]
) -> dict[uuid.UUID, AdjacentVersions]:
    """What came before and after each of `found`; one query."""
    ids = [version.id for version in found]
    firsts, lasts = [version.first_at for version in found], [version.last_at for version in found]
    whose: list[Any] = [known.project.pk, known.assistant_id]
    with connection.cursor() as cursor:
        cursor.execute(_NEIGHBOURS, [ids, firsts, lasts, *whose, *whose])
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    return {version.id: _neighbours(known, version, *rows[version.id]) for version in found}


def _neighbours(
    known: AssistantVersions,
    version: AssistantVersion,
    before_id: uuid.UUID | None,
    after_id: uuid.UUID | None,
    after_at: datetime | None,
    stayed: bool,
) -> AdjacentVersions:
    before, after = known.get(before_id), known.get(after_id)
    if after is None or stayed or after.number > version.number:
        return AdjacentVersions(before)
    return AdjacentVersions(before, after, after_at)


def fetch_replaced_configuration(configuration: Configuration) -> tuple[uuid.UUID, datetime] | None:
    """What the assistant ran on just before a configuration, and when that came; one query.

    None for the first one, and where it has no runs.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REPLACED, [configuration.pk, configuration.project_id, configuration.assistant_id])
        row: tuple[uuid.UUID, datetime] | None = cursor.fetchone()
    return row


def fetch_concurrent_versions(
    known: AssistantVersions, version: AssistantVersion
) -> list[tuple[AssistantVersion, int]]:
    """The versions that have runs between the first and the last one of `version`, the busiest first; one query.

    Runs of each are counted no further than one above `MOST_BESIDE`.
    Runs of the very second of either end don't count: a change within a second is no time together.
    """
    others = {other.id: other for other in known.versions if other is not version and other.overlaps(version)}
    if not others:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_BETWEEN, [version.first_at, version.last_at, MAX_COUNTED_CONCURRENT_RUNS + 1, list(others)])
        found = [(others[version_id], count) for version_id, count in cursor.fetchall() if count]
    return sorted(found, key=lambda pair: (-pair[1], pair[0].number))


def find_version_change(base: AssistantVersion, version: AssistantVersion) -> datetime | None:
    """When the assistant went from `base` to `version`: its first run, or the first since `base` was last used.

    The latter is a return to what had been used before. None where it was not used after `base` at all.
    """
    if version.number > base.number:
        return version.first_at
    sql = "SELECT created_at FROM run WHERE configuration_id = %s AND created_at > %s ORDER BY created_at LIMIT 1"
    with connection.cursor() as cursor:
        cursor.execute(sql, [version.id, base.last_at])
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row[0] if row else None
