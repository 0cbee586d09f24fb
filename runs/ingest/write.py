"""Puts parsed posts into Postgres: configurations first, then one guarded upsert per kind.

No locks and no triggers. Every row is written with the version that was read before; what another writer
changed in between is refused by the statement's guard, read again and merged again. So two writers at once end
as one after the other, and the history is exact.
"""

from __future__ import annotations

import itertools
import logging
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import psycopg
from django.db import DataError, InternalError, OperationalError, transaction

from runs import rollups
from runs.errors import TooManyRetries
from runs.ingest.kinds import RUNS, Kind, Post
from runs.ingest.merge import Outcome
from runs.ingest.plan import Held, Plan, Receipt, plan, without_recorded
from runs.ingest.tables import Key
from runs.models import Configuration, Observation, Project
from runs.protocol.configuration import ParsedConfiguration
from runs.protocol.run import RunRecord

logger = logging.getLogger(__name__)

_ATTEMPTS = 20
_ROWS_PER_STATEMENT = 1000
# A record that is posted every few seconds is not written every few seconds.
_SEEN_EVERY = timedelta(minutes=1)
_RETRIED = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)


Batches = Mapping[Kind, Sequence[Post]]


def write(project: Project, batches: Batches, receipt: Receipt) -> dict[int, Outcome]:
    """Store the posts of each kind, all in one transaction; the outcome of each by its index.

    What returns is durable. Raises TooManyRetries where other writers never let go, and Django's DatabaseError
    where the database is away or refuses a row.
    """
    for attempt in itertools.count(1):
        try:
            return _write_once(project, batches, receipt)
        except OperationalError as error:
            if not isinstance(error.__cause__, _RETRIED) or attempt == _ATTEMPTS:
                raise
            logger.info("Retrying after %s", error.__cause__, extra={"action": "retry_write"})
    raise TooManyRetries


def refuses(error: Exception) -> bool:
    """Whether Postgres refused a value, so that trying its neighbours without it makes sense."""
    too_large = isinstance(error.__cause__, psycopg.errors.ProgramLimitExceeded)
    return isinstance(error, DataError | InternalError) or too_large


def _write_once(project: Project, batches: Batches, receipt: Receipt) -> dict[int, Outcome]:
    # 1. In a transaction of their own: within the runs' one, two writers deadlock on a new configuration.
    _store_configurations(project, itertools.chain.from_iterable(batches.values()), receipt)
    with transaction.atomic():
        # 2. Read, merge, write. Kinds always come in the same order, like the rows of each.
        plans = {kind: _write_kind(project, kind, posts, receipt) for kind, posts in batches.items() if posts}
    # 3. Nothing depends on these, hence outside.
    rollups.fold_sometimes(project)
    for kind, each in plans.items():
        _touch(kind, [key for key, planned in each.items() if planned.is_seen_again], receipt)
    planned = itertools.chain.from_iterable(each.values() for each in plans.values())
    return {index: outcome for each in planned for index, outcome in each.outcomes.items()}


def _write_kind(project: Project, kind: Kind, posts: Sequence[Post], receipt: Receipt) -> dict[Key, Plan]:
    by_key: dict[Key, list[Post]] = defaultdict(list)
    for post in posts:
        by_key[post.key].append(post)
    plans: dict[Key, Plan] = {}
    pending = set(by_key)
    for _ in range(_ATTEMPTS):
        fresh = _plan(kind, {key: by_key[key] for key in sorted(pending)}, receipt)
        plans.update(fresh)
        pending = {key for key, planned in fresh.items() if planned.writes}
        # what another writer changed meanwhile stays pending, to be read and merged again
        pending -= _upsert(project, kind, {key: fresh[key] for key in pending}, receipt)
        if not pending:
            break
    else:
        raise TooManyRetries
    # The versions prove what was there before, so history and sums are exact.
    _store_history(plans, receipt)
    if kind is RUNS:
        rollups.add(project, (_change(planned) for planned in plans.values() if planned.writes))
    return plans


def _change(planned: Plan) -> rollups.Change:
    return _counted(planned.before), _counted(planned.held)


def _counted(held: Held | None) -> rollups.Counted | None:
    return held.record if held is not None and isinstance(held.record, RunRecord) else None


def _store_configurations(project: Project, posts: Iterable[Post], receipt: Receipt) -> None:
    posted: dict[uuid.UUID, tuple[str, ParsedConfiguration]] = {}
    for post in posts:
        if post.configuration_id is not None and post.configuration is not None:
            posted[post.configuration_id] = (getattr(post.record, "assistant_id", ""), post.configuration)
    known = Configuration.objects.filter(pk__in=posted).values_list("pk", flat=True)
    for pk in known:
        del posted[pk]
    Configuration.objects.bulk_create(
        [_configuration(project, pk, *posted[pk], receipt) for pk in sorted(posted)], ignore_conflicts=True
    )


def _configuration(
    project: Project, pk: uuid.UUID, assistant_id: str, parsed: ParsedConfiguration, receipt: Receipt
) -> Configuration:
    return Configuration(
        id=pk,
        project=project,
        assistant_id=assistant_id,
        body=parsed.body,
        model=parsed.model,
        instructions=parsed.instructions,
        tool_types=list(parsed.tool_types),
        function_names=list(parsed.function_names),
        first_seen_at=receipt.at,
    )


def _plan(kind: Kind, posts: Mapping[Key, list[Post]], receipt: Receipt) -> dict[Key, Plan]:
    stored = {key: _held(kind, row) for key, row in kind.table.read(posts).items()}
    bodies = _bodies(stored, posts)
    plans = {key: plan(kind, stored.get(key), each, bodies, receipt) for key, each in posts.items()}
    recorded = _recorded(plans)
    for key, planned in plans.items():
        without_recorded(planned, recorded[key])
    return plans


def _held(kind: Kind, row: dict[str, Any]) -> Held:
    return Held(
        kind.record(**{name: row[name] for name in kind.record.__struct_fields__}),
        row.get("configuration_id"),
        row["version"],
        row["received_at"],
        row.get("received_key_id"),
        row.get("history_length", 0),
    )


def _bodies(stored: Mapping[Key, Held], posts: Mapping[Key, list[Post]]) -> dict[uuid.UUID, str]:
    """The texts of the configurations in which a stored run differs from a posted one, or two posted ones do."""
    posted = {
        post.configuration_id: post.configuration.body
        for each in posts.values()
        for post in each
        if post.configuration_id is not None and post.configuration is not None
    }
    wanted = {
        held.configuration_id
        for key, held in stored.items()
        if held.configuration_id is not None
        and any(post.configuration_id != held.configuration_id for post in posts[key])
    }
    missing = wanted - posted.keys()
    found = dict(Configuration.objects.filter(pk__in=missing).values_list("pk", "body")) if missing else {}
    return posted | found


def _recorded(plans: Mapping[Key, Plan]) -> defaultdict[Key, set[int]]:
    """The digests that the history of those runs already has which would get a stale entry."""
    late = {
        key[0]: key
        for key, planned in plans.items()
        if planned.before is not None and any(entry.outcome is Outcome.STALE for entry in planned.entries)
    }
    recorded: defaultdict[Key, set[int]] = defaultdict(set)
    if late:
        for run_id, digest in Observation.objects.filter(run_id__in=late).values_list("run_id", "digest"):
            recorded[late[run_id]].add(digest)
    return recorded


def _upsert(project: Project, kind: Kind, plans: Mapping[Key, Plan], receipt: Receipt) -> set[Key]:
    """Write the plans' records; the keys of those that the guard let through."""
    rows = [_row(project, kind, key, plans[key], receipt) for key in sorted(plans)]
    written: set[Key] = set()
    for begin in range(0, len(rows), _ROWS_PER_STATEMENT):
        written |= kind.table.upsert(rows[begin : begin + _ROWS_PER_STATEMENT])
    return written


def _row(project: Project, kind: Kind, key: Key, planned: Plan, receipt: Receipt) -> list[Any]:
    held = planned.held
    assert held is not None  # noqa: S101 - a plan that writes has what it writes
    own = {
        **dict(zip(kind.key, key, strict=True)),
        "project_id": project.pk,
        "configuration_id": held.configuration_id,
        "version": held.version,
        "received_at": held.received_at,
        "received_key_id": held.received_key_id,
        "history_length": held.history_length,
        "seen_at": receipt.at,
    }
    return [own[name] if name in own else getattr(held.record, name) for name in kind.table.columns]


def _store_history(plans: Mapping[Key, Plan], receipt: Receipt) -> None:
    observations = []
    for key in sorted(plans):
        planned = plans[key]
        first = planned.before.history_length + 1 if planned.before else 1
        for n, entry in enumerate(planned.entries, first):
            observations.append(
                Observation(
                    run_id=key[0],
                    n=n,
                    outcome=entry.outcome,
                    received_at=receipt.at,
                    received_key_id=receipt.key_id,
                    status_before=entry.status_before,
                    status_after=entry.status_after,
                    changed=entry.changed,
                    other=entry.other,
                    conflict=entry.conflict,
                    digest=entry.digest,
                )
            )
    Observation.objects.bulk_create(observations, batch_size=_ROWS_PER_STATEMENT)


def _touch(kind: Kind, keys: Sequence[Key], receipt: Receipt) -> None:
    """Note that records were received again, if that was not noted just before."""
    if not keys:
        return
    due = receipt.at - _SEEN_EVERY
    # of a two-part key each part for itself: step ids do not repeat between runs
    parts = {f"{name}__in": {key[place] for key in keys} for place, name in enumerate(kind.key)}
    try:
        with transaction.atomic():
            kind.model._default_manager.filter(**parts, seen_at__lt=due).update(seen_at=receipt.at)
    except OperationalError as error:
        if not isinstance(error.__cause__, _RETRIED):
            raise
        logger.info("Skipped noting %d records as seen", len(keys), extra={"action": "skip_touch"})
