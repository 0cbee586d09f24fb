"""The configurations of an assistant as its versions, in order of first use.

The order is that of the creation of runs, not of receipt, so an import of old runs finds the same versions as posting
them did. First and last use are look-ups in the index `run_configuration`, a few entries per version, however many runs
there are.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from runs.models import Configuration, Project

# Clients that write new instructions for each run create a configuration per run. Only the last received are read.
MAX_VERSIONS = 2_000
# The maximum number of runs that are counted for each version.
MAX_COUNTED_VERSION_RUNS = 10_000
# The maximum for each concurrent version; there may be many of them.
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

_RECEIVED_COUNT = """
    SELECT count(*)
      FROM (SELECT FROM configuration WHERE project_id = %s AND assistant_id = %s LIMIT %s) AS received"""

_RUN_COUNTS = """
    SELECT version.id, (SELECT count(*) FROM (SELECT FROM run WHERE configuration_id = version.id LIMIT %s) AS runs)
      FROM unnest(%s::uuid[]) AS version (id)"""

# The configuration of the last run before a version was first used, and of the first run after it was last used. The
# last column says whether the latter was also in use while the version was.
_ADJACENT = """
    SELECT version.id, before.configuration_id, after.configuration_id, after.created_at,
           EXISTS (SELECT FROM run WHERE configuration_id = after.configuration_id
                      AND created_at > version.first_at AND created_at < version.last_at)
      FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) AS version (id, first_at, last_at)
      LEFT JOIN LATERAL (SELECT configuration_id FROM run
                          WHERE project_id = %s AND assistant_id = %s AND created_at < version.first_at
                          ORDER BY created_at DESC LIMIT 1) AS before ON true
      LEFT JOIN LATERAL (SELECT configuration_id, created_at FROM run
                          WHERE project_id = %s AND assistant_id = %s AND created_at > version.last_at
                          ORDER BY created_at LIMIT 1) AS after ON true"""

_REPLACED = """
    SELECT before.configuration_id, first.created_at
      FROM (SELECT created_at FROM run WHERE configuration_id = %s ORDER BY created_at LIMIT 1) AS first,
           LATERAL (SELECT configuration_id FROM run
                     WHERE project_id = %s AND assistant_id = %s AND created_at < first.created_at
                     ORDER BY created_at DESC LIMIT 1) AS before"""

_CONCURRENT = """
    SELECT version.id, (
             SELECT count(*) FROM (
               SELECT FROM run
                WHERE configuration_id = version.id AND created_at > %s AND created_at < %s LIMIT %s) AS runs)
      FROM unnest(%s::uuid[]) AS version (id)"""

_NEXT_RUN = "SELECT created_at FROM run WHERE configuration_id = %s AND created_at > %s ORDER BY created_at LIMIT 1"


@dataclass(frozen=True, slots=True)
class AssistantVersion:
    """A configuration with runs: the `number`th one that was used, and when its first and last run were created."""

    number: int
    id: uuid.UUID
    first_at: datetime
    last_at: datetime

    @property
    def name(self) -> str:
        """The name, such as `v3`."""
        return f"v{self.number}"

    def overlaps(self, other: AssistantVersion) -> bool:
        """Return whether the times of use of both versions overlap."""
        return self.first_at < other.last_at and other.first_at < self.last_at


@dataclass(frozen=True, slots=True)
class AssistantVersions:
    """The versions of an assistant, the first one first; `is_capped` says that older ones may be missing."""

    project: Project
    assistant_id: str
    versions: tuple[AssistantVersion, ...]
    is_capped: bool

    @property
    def current(self) -> AssistantVersion:
        """The version that was used last."""
        return max(self.versions, key=lambda version: (version.last_at, version.number))

    def find(self, prefix: str) -> AssistantVersion | None:
        """Return the version whose id begins with these hexadecimal digits; None if there is not exactly one."""
        matches = [version for version in self.versions if version.id.hex.startswith(prefix)]
        return matches[0] if len(matches) == 1 else None

    def get(self, version_id: uuid.UUID | None) -> AssistantVersion | None:
        """Return the version with this id; None if it is not known."""
        return next((version for version in self.versions if version.id == version_id), None)


@dataclass(frozen=True, slots=True)
class AdjacentVersions:
    """The version in use before a version, and the older one that was restored after it, at `restored_at`.

    `restored` is None if no older version was used next, or if it was in use beside the version, too.
    """

    previous: AssistantVersion | None
    restored: AssistantVersion | None = None
    restored_at: datetime | None = None


def fetch_versions(project: Project, assistant_id: str) -> AssistantVersions:
    """Return the versions of an assistant; two queries."""
    with connection.cursor() as cursor:
        cursor.execute(_RECEIVED_COUNT, [project.pk, assistant_id, MAX_VERSIONS + 1])
        is_capped = cursor.fetchone()[0] > MAX_VERSIONS
        cursor.execute(_VERSIONS, [project.pk, assistant_id, MAX_VERSIONS])
        rows = cursor.fetchall()
    versions = tuple(AssistantVersion(number, *row) for number, row in enumerate(rows, 1))
    return AssistantVersions(project, assistant_id, versions, is_capped)


def count_version_runs(versions: Sequence[AssistantVersion]) -> dict[uuid.UUID, int]:
    """Return the number of runs of each version, at most `MAX_COUNTED_VERSION_RUNS + 1`; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_RUN_COUNTS, [MAX_COUNTED_VERSION_RUNS + 1, [version.id for version in versions]])
        return dict(cursor.fetchall())


def fetch_adjacent_versions(
    known: AssistantVersions, versions: Sequence[AssistantVersion]
) -> dict[uuid.UUID, AdjacentVersions]:
    """Return the versions in use before and after each of `versions`, by id; one query."""
    ids = [version.id for version in versions]
    first_times, last_times = [version.first_at for version in versions], [version.last_at for version in versions]
    assistant: list[Any] = [known.project.pk, known.assistant_id]
    with connection.cursor() as cursor:
        cursor.execute(_ADJACENT, [ids, first_times, last_times, *assistant, *assistant])
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    adjacent = {}
    for version in versions:
        previous_id, next_id, next_at, was_concurrent = rows[version.id]
        previous, following = known.get(previous_id), known.get(next_id)
        is_restored = following is not None and following.number <= version.number and not was_concurrent
        adjacent[version.id] = (
            AdjacentVersions(previous, following, next_at) if is_restored else AdjacentVersions(previous)
        )
    return adjacent


def fetch_replaced_configuration(configuration: Configuration) -> tuple[uuid.UUID, datetime] | None:
    """Return the id of the configuration that the assistant used before this one, and when it changed; one query.

    Return None for the first configuration, and for one without runs.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REPLACED, [configuration.pk, configuration.project_id, configuration.assistant_id])
        row: tuple[uuid.UUID, datetime] | None = cursor.fetchone()
    return row


def fetch_concurrent_versions(
    known: AssistantVersions, version: AssistantVersion
) -> list[tuple[AssistantVersion, int]]:
    """Return the versions with runs between the first and last run of `version`, and their number; one query.

    The version with the most runs comes first. At most `MAX_COUNTED_CONCURRENT_RUNS + 1` are counted of each. Runs at
    the time of the first or last run do not count: times are in seconds, so a change within a second is no overlap.
    """
    others = {other.id: other for other in known.versions if other is not version and other.overlaps(version)}
    if not others:
        return []
    with connection.cursor() as cursor:
        limit = MAX_COUNTED_CONCURRENT_RUNS + 1
        cursor.execute(_CONCURRENT, [version.first_at, version.last_at, limit, list(others)])
        counts = [(others[version_id], runs) for version_id, runs in cursor.fetchall() if runs]
    return sorted(counts, key=lambda pair: (-pair[1], pair[0].number))


def find_version_change(base: AssistantVersion, version: AssistantVersion) -> datetime | None:
    """Return when the assistant changed from `base` to `version`; None if it was not used after `base`.

    For a newer version this is its first run. For an older one it is its first run after the last one of `base`.
    """
    if version.number > base.number:
        return version.first_at
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_RUN, [version.id, base.last_at])
        row: tuple[datetime] | None = cursor.fetchone()
    return row[0] if row else None
