"""The recording of metadata values while runs are stored, for the query planner and for suggestions.

Each process caches what it has recorded, so that further runs with the same values cost next to nothing: a value is
written once an hour, or only once if its key has many. Deleting runs deletes the values that only they had (see
`runs.team.unused_metadata`), so a deletion in the project voids the caches.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db import transaction

from runs.db import sql
from runs.models import MetadataKey, Project
from runs.models.metadata_key import MAX_METADATA_KEYS, MAX_METADATA_TEXT_LENGTH

# The maximum number of stored values of a key. A key with more of them is not complete (see `MetadataKey`).
MAX_VALUES_PER_KEY = 10_000
# Values of a key whose last hour is kept. With more of them, nearly every run would write one.
MAX_DATED_VALUES_PER_KEY = 100
# The last hour of all other values, later than any run.
UNDATED = datetime(9999, 12, 31, tzinfo=UTC)
# Values of a project that a process caches.
MAX_CACHED_VALUES = 50_000

_UPSERT = """
    INSERT INTO metadata_value (project_id, key, value, last_hour)
    SELECT %s, posted.* FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS posted (key, value, hour)
    ON CONFLICT (project_id, key, value) DO UPDATE SET last_hour = excluded.last_hour
     WHERE metadata_value.last_hour < excluded.last_hour"""

MetadataPair = tuple[str, str]


class _RecordedValues:
    """The values of a project that this process has recorded, with their last hours, counted from the year 1."""

    def __init__(self, deletion_count: int = 0) -> None:
        self.deletion_count = deletion_count  # of the project, when this was recorded
        self.hours: dict[MetadataPair, int] = {}
        self.value_counts = Counter[str]()  # by key
        self.is_complete: dict[str, bool] = {}  # by key
        self.is_full = False  # the project has so many keys that no others are stored

    def accepts(self, key: str) -> bool:
        """Return whether values of `key` are stored, as far as this process knows."""
        return self.is_complete.get(key, not self.is_full) and len(key) <= MAX_METADATA_TEXT_LENGTH

    def cache_keys(self, is_complete: Mapping[str, bool], is_full: bool) -> None:
        self.is_complete.update(is_complete)
        self.is_full = self.is_full or is_full

    def cache_values(self, hours: Mapping[MetadataPair, int]) -> None:
        if len(self.hours) > MAX_CACHED_VALUES:
            self.hours.clear()
        self.value_counts.update(key for key, value in hours if (key, value) not in self.hours)
        self.hours.update(hours)


def _to_hour(time: datetime) -> int:
    return time.toordinal() * 24 + time.hour


def _from_hour(hour: int) -> datetime:
    day, hour_of_day = divmod(hour, 24)
    return datetime.fromordinal(day).replace(hour=hour_of_day, tzinfo=UTC)


_UNDATED_HOUR = UNDATED.toordinal() * 24
_recorded_by_project: defaultdict[int, _RecordedValues] = defaultdict(_RecordedValues)


def record_metadata_values(project: Project, runs: Iterable[tuple[datetime, Any]], deletion_count: int) -> None:
    """Record the values of the metadata of runs, each given with its created_at.

    All values get the hour of the newest of these runs. Call it in the transaction that stores the runs, which holds
    back deletion, with the number of deletions in the project so far.
    """
    filled = [(created_at, metadata) for created_at, metadata in runs if metadata and type(metadata) is dict]
    if not filled:
        return
    recorded, hour = _recorded_by_project[project.pk], _to_hour(max(created_at for created_at, _ in filled))
    if recorded.deletion_count != deletion_count:
        recorded = _recorded_by_project[project.pk] = _RecordedValues(deletion_count)
    pairs, incomplete_keys = _collect_pairs([metadata for _, metadata in filled])
    new: dict[MetadataPair, int] = {}
    for key, value in pairs:
        text = value if type(value) is str else "true" if value else "false"
        if recorded.hours.get((key, text), 0) < hour and recorded.accepts(key):
            if len(text) > MAX_METADATA_TEXT_LENGTH:
                incomplete_keys.add(key)
            else:
                is_dated = recorded.value_counts[key] < MAX_DATED_VALUES_PER_KEY
                new[key, text] = hour if is_dated else _UNDATED_HOUR
    incomplete_keys = {key for key in incomplete_keys if recorded.accepts(key)}
    if new or incomplete_keys:
        _store(project, recorded, new, incomplete_keys)


def _collect_pairs(metadata: Sequence[Mapping[str, Any]]) -> tuple[set[tuple[str, Any]], set[str]]:
    """Return all keys with values, which are strings or booleans, and the keys that have nested values."""
    nested_keys: set[str] = set()
    try:
        pairs = set[tuple[str, Any]]().union(*(items.items() for items in metadata))
    except TypeError:  # objects and arrays, which are rare, can't be hashed
        nested_keys.update(key for items in metadata for key, value in items.items() if isinstance(value, dict | list))
        pairs = {pair for items in metadata for pair in items.items() if pair[0] not in nested_keys}
    return {pair for pair in pairs if pair[1] is not None}, nested_keys


def _store(
    project: Project, recorded: _RecordedValues, new: Mapping[MetadataPair, int], incomplete_keys: set[str]
) -> None:
    """Store new values with their hours, and mark keys whose values are not all stored."""
    # 1. Store the keys.
    added_counts = Counter(key for key, value in new if (key, value) not in recorded.hours)
    incomplete_keys = incomplete_keys | {
        key for key, count in added_counts.items() if recorded.value_counts[key] + count > MAX_VALUES_PER_KEY
    }
    keys = {key for key, _ in new} | incomplete_keys
    if incomplete_keys or not keys <= recorded.is_complete.keys():
        is_complete, is_full = _store_keys(project, keys, incomplete_keys)
        new = {pair: hour for pair, hour in new.items() if is_complete.get(pair[0])}
        transaction.on_commit(partial(recorded.cache_keys, is_complete, is_full))

    # 2. Store the values in the order that all writers use; otherwise two of them could deadlock.
    if pairs := sorted(new):
        pair_keys, values = zip(*pairs, strict=True)
        hours = [_from_hour(new[pair]).isoformat() for pair in pairs]
        with sql.open_cursor() as cursor:
            cursor.execute(_UPSERT, [project.pk, *map(sql.format_array, (pair_keys, values, hours))], prepare=True)
        transaction.on_commit(partial(recorded.cache_values, new))


def _store_keys(project: Project, keys: set[str], incomplete_keys: set[str]) -> tuple[dict[str, bool], bool]:
    """Return, for each of `keys` that is stored, whether it is complete, and whether no other keys will be stored."""
    stored = MetadataKey.objects.in_project(project)
    is_complete = dict(stored.filter(key__in=keys).values_list("key", "is_complete"))
    missing = sorted(keys - is_complete.keys())
    room = max(MAX_METADATA_KEYS - stored.count(), 0) if missing else 0
    new = (MetadataKey(project=project, key=key) for key in missing[:room])
    MetadataKey.objects.bulk_create(new, ignore_conflicts=True)
    is_complete |= dict.fromkeys(missing[:room], True)
    changed = sorted(key for key in incomplete_keys if is_complete.get(key))
    stored.filter(key__in=changed).update(is_complete=False)
    return is_complete | dict.fromkeys(changed, False), room < len(missing)
