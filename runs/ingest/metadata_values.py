"""Noting which values the metadata of runs have, as the runs are stored.

What was noted is remembered in this process, so that runs like those before cost next to nothing: a value is written
once an hour, or once at all where its key has many. Rows only ever say more than there is, so none is taken back.
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

# Values of a key that are kept; those of one that has more are not worth it.
MAX_VALUES_PER_KEY = 10_000
# Values of a key of which the last hour is kept; of more it would be written with nearly every run.
MAX_DATED_VALUES_PER_KEY = 100
# That hour of the others: none is later.
UNDATED = datetime(9999, 12, 31, tzinfo=UTC)
# Values that a process remembers of a project.
MAX_CACHED_VALUES = 50_000

_UPSERT = """
    INSERT INTO metadata_value (project_id, key, value, last_hour)
    SELECT %s, noted.* FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS noted (key, value, hour)
    ON CONFLICT (project_id, key, value) DO UPDATE SET last_hour = excluded.last_hour
     WHERE metadata_value.last_hour < excluded.last_hour"""

MetadataPair = tuple[str, str]


class _RecordedValues:
    """What this process knows to be noted of a project; hours counted from the year 1."""

    def __init__(self) -> None:
        self.hours: dict[MetadataPair, int] = {}
        self.values = Counter[str]()  # by key
        self.complete: dict[str, bool] = {}
        self.is_full = False  # so that no other keys than these are kept

    def wants(self, key: str) -> bool:
        """Whether the values of `key` are kept, as far as this process knows."""
        return self.complete.get(key, not self.is_full) and len(key) <= MAX_METADATA_TEXT_LENGTH


def _to_hour(moment: datetime) -> int:
    return moment.toordinal() * 24 + moment.hour


def _from_hour(hour: int) -> datetime:
    day, rest = divmod(hour, 24)
    return datetime.fromordinal(day).replace(hour=rest, tzinfo=UTC)


_UNDATED_HOUR = UNDATED.toordinal() * 24
_recorded_by_project: defaultdict[int, _RecordedValues] = defaultdict(_RecordedValues)


def record_metadata_values(project: Project, posted: Iterable[tuple[datetime, Any]]) -> None:
    """Note the metadata of runs, each with when it was created; belongs into the transaction that stores them.

    What comes together is noted with the hour of the last of it.
    """
    filled = [(created_at, metadata) for created_at, metadata in posted if metadata and type(metadata) is dict]
    if not filled:
        return
    noted, hour = _recorded_by_project[project.pk], _to_hour(max(created_at for created_at, _ in filled))
    pairs, odd = _collect_pairs([metadata for _, metadata in filled])
    new: dict[MetadataPair, int] = {}
    for key, value in pairs:
        text = value if type(value) is str else "true" if value else "false"
        if noted.hours.get((key, text), 0) < hour and noted.wants(key):
            if len(text) > MAX_METADATA_TEXT_LENGTH:
                odd.add(key)
            else:
                new[key, text] = hour if noted.values[key] < MAX_DATED_VALUES_PER_KEY else _UNDATED_HOUR
    odd = {key for key in odd if noted.wants(key)}
    if new or odd:
        _store(project, noted, new, odd)


def _collect_pairs(metadata: Sequence[Mapping[str, Any]]) -> tuple[set[tuple[str, Any]], set[str]]:
    """All keys with values, which are texts or truth values; and the keys whose values have parts."""
    odd: set[str] = set()
    try:
        pairs = set[tuple[str, Any]]().union(*(each.items() for each in metadata))
    except TypeError:  # of a dictionary's or a list's hash, which is seldom there
        odd.update(key for each in metadata for key, value in each.items() if isinstance(value, dict | list))
        pairs = {pair for each in metadata for pair in each.items() if pair[0] not in odd}
    return {pair for pair in pairs if pair[1] is not None}, odd


def _store(project: Project, noted: _RecordedValues, new: Mapping[MetadataPair, int], odd: set[str]) -> None:
    """Store `new` values with their hours, and that not all values of `odd` keys are kept."""
    keys = {key for key, _ in new} | odd
    more = Counter(key for key, value in new if (key, value) not in noted.hours)
    incomplete = odd | {key for key, count in more.items() if noted.values[key] + count > MAX_VALUES_PER_KEY}
    if incomplete or not keys <= noted.complete.keys():
        complete, is_full = _store_keys(project, keys, incomplete)
        new = {pair: hour for pair, hour in new.items() if complete.get(pair[0])}
        transaction.on_commit(partial(_cache_keys, noted, complete, is_full))
    _store_values(project, noted, new)


def _store_keys(project: Project, wanted: set[str], incomplete: set[str]) -> tuple[dict[str, bool], bool]:
    """The keys among `wanted` that are kept, by whether all of their values are, and whether no more will be kept."""
    kept = MetadataKey.objects.in_project(project)
    complete = dict(kept.filter(key__in=wanted).values_list("key", "is_complete"))
    missing = sorted(wanted - complete.keys())
    room = max(MAX_METADATA_KEYS - kept.count(), 0) if missing else 0
    new = (MetadataKey(project=project, key=key) for key in missing[:room])
    MetadataKey.objects.bulk_create(new, ignore_conflicts=True)
    complete |= dict.fromkeys(missing[:room], True)
    changed = sorted(key for key in incomplete if complete.get(key))
    kept.filter(key__in=changed).update(is_complete=False)
    return complete | dict.fromkeys(changed, False), room < len(missing)


def _store_values(project: Project, noted: _RecordedValues, new: Mapping[MetadataPair, int]) -> None:
    """In the order of their keys, as everybody does: two writers would deadlock otherwise."""
    pairs = sorted(new)
    if pairs:
        keys, values = zip(*pairs, strict=True)
        hours = [_from_hour(new[pair]).isoformat() for pair in pairs]
        with sql.open_cursor() as cursor:
            cursor.execute(_UPSERT, [project.pk, *map(sql.format_array, (keys, values, hours))], prepare=True)
        transaction.on_commit(partial(_cache_values, noted, new))


def _cache_keys(noted: _RecordedValues, complete: Mapping[str, bool], is_full: bool) -> None:
    noted.complete.update(complete)
    noted.is_full = noted.is_full or is_full


def _cache_values(noted: _RecordedValues, hours: Mapping[MetadataPair, int]) -> None:
    if len(noted.hours) > MAX_CACHED_VALUES:
        noted.hours.clear()
    noted.values.update(key for key, value in hours if (key, value) not in noted.hours)
    noted.hours.update(hours)
