"""The storing of responses, and the deriving of the runs of their turns, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import NamedTuple

from runs.db.updates import update_rows
from runs.derivation import run_in_derivation_transaction
from runs.errors import Problem, TooManyRetries
from runs.ingest import Outcome, write
from runs.ingest.merge import Receipt
from runs.models import Project, Response
from runs.responses.links import ResponseLink, fetch_links, lock_threads, thread_locks
from runs.responses.parsing import PostedResponse
from runs.responses.records import RESPONSES
from runs.responses.rederivation import RefusedTurns, derive_turns_of
from runs.responses.threads import find_threads, move_threads

_MAX_ATTEMPTS = 20
_MAX_REFUSALS = 20


class StoredResponses(NamedTuple):
    """The outcome of each response by its index, and the problems of those that were refused."""

    outcomes: dict[int, Outcome]
    problems: list[Problem]


class _MovedThreads(Exception):
    """Other writers moved the responses to other threads before these could be locked. `names` has all of them."""

    def __init__(self, names: set[str]) -> None:
        self.names = names


def store_responses(project: Project, posted: Sequence[PostedResponse], receipt: Receipt) -> StoredResponses:
    """Store responses and the runs of their turns. Those that contradict stored ones are refused, one by one.

    Raises TooManyRetries, DiskFull, and Django's DatabaseError.
    """
    refused: list[Problem] = []
    for _ in range(_MAX_REFUSALS):
        indexes = {problem.index for problem in refused}
        accepted = [response for response in posted if response.item.index not in indexes]
        try:
            stored = _store_locked(project, accepted, receipt)
        except RefusedTurns as error:
            refused += _find_refused(accepted, error.problems)
        else:
            return StoredResponses(stored.outcomes, refused + stored.problems)
    raise TooManyRetries


def _find_refused(posted: Sequence[PostedResponse], problems: Mapping[str, Sequence[Problem]]) -> list[Problem]:
    """Return the problems of runs as those of the posted responses that they are derived of."""
    return [
        response.to_problem("", f"its run would be invalid: {problem.path} {problem.message}".replace("  ", " "))
        for response in posted
        for problem in problems.get(response.id, ())
    ]


def _store_locked(project: Project, posted: Sequence[PostedResponse], receipt: Receipt) -> StoredResponses:
    if not posted:
        return StoredResponses({}, [])
    names = {name for response in posted for name in _named_by(response)}
    for _ in range(_MAX_ATTEMPTS):
        try:
            return run_in_derivation_transaction(project, partial(_store_once, project, posted, names, receipt))
        except _MovedThreads as moved:
            names |= moved.names
    raise TooManyRetries


def _named_by(response: PostedResponse) -> Iterable[str]:
    return filter(None, (response.id, response.previous_response_id, response.conversation_id))


def _store_once(
    project: Project, posted: Sequence[PostedResponse], names: set[str], receipt: Receipt
) -> StoredResponses:
    # 1. Lock the threads, as far as they are known. Read which ones they are.
    locks = lock_threads(project, names)
    own_ids = {response.id for response in posted}
    previous_ids = {response.previous_response_id for response in posted if response.previous_response_id}
    stored = fetch_links(Response.objects.with_external_ids(project, own_ids | previous_ids))
    threads = {link.thread_id for link in stored.values()}
    if not thread_locks(project, threads) <= locks:
        raise _MovedThreads(threads)

    # 2. Find the links and threads of the posted responses. Those with the same links stay where they are, even if
    #    what they continue was deleted.
    links, problems = _merge_links(posted, stored)
    new_links = {name: link for name, link in links.items() if _is_linked_anew(link, stored.get(name))}
    stored_threads = {name: link.thread_id for name, link in stored.items()}
    new_threads, cyclic = find_threads(new_links, stored_threads)
    thread_ids = stored_threads | new_threads
    for response in posted:
        if response.id in cyclic:
            message = "names a response that continues this one: a chain must not return to itself"
            problems.append(response.to_problem("/previous_response_id", message))
    refused = {problem.index for problem in problems}
    accepted = [response for response in posted if response.item.index not in refused]

    # 3. Write the responses, and then what they are linked to.
    records = [response.record for response in accepted]
    outcomes = write.write_records(project, {RESPONSES: records}, receipt) if records else {}
    changed = _write_links(project, accepted, links, thread_ids, new_links.keys())
    move_threads(project, {name: thread_ids[name] for name in changed})

    # 4. Derive the runs of the turns that changed.
    changed |= {
        response.id for response in accepted
        if outcomes[response.item.index] in (Outcome.CREATED, Outcome.UPDATED)
    }  # fmt: skip
    if changed:
        derive_turns_of(project, changed, receipt)
    return StoredResponses(outcomes, problems)


def _merge_links(
    posted: Sequence[PostedResponse], stored: Mapping[str, ResponseLink]
) -> tuple[dict[str, ResponseLink], list[Problem]]:
    """Return the links of the posted responses, and the problems of those that contradict what is known."""
    links: dict[str, ResponseLink] = {}
    problems: list[Problem] = []
    for response in posted:
        known = links.get(response.id) or stored.get(response.id)
        named = {
            "previous_response_id": response.previous_response_id,
            "conversation_id": response.conversation_id,
        }
        contradictions = [
            name for name, value in named.items() if known and value and getattr(known, name) not in (None, value)
        ]
        if known and contradictions:
            name = contradictions[0]
            message = f"expected {getattr(known, name)}, as it was posted before, got {named[name]}"
            problems.append(response.to_problem(f"/{name.removesuffix('_id') if 'conv' in name else name}", message))
            continue
        merged = {name: value or (getattr(known, name) if known else None) for name, value in named.items()}
        links[response.id] = ResponseLink(
            response.id,
            response.created_at,
            None,
            False,
            **merged,
            thread_id=known.thread_id if known else "",
            run_external_id=known.run_external_id if known else "",
        )
    return links, problems


def _write_links(
    project: Project,
    posted: Sequence[PostedResponse],
    links: Mapping[str, ResponseLink],
    thread_ids: Mapping[str, str],
    linked_anew: Collection[str],
) -> set[str]:
    """Write the links, requests and stream errors of responses where they are new. Return the ids of these."""
    extras = {response.id: response for response in posted if response.request or response.stream_error}
    ids = {response.id for response in posted}
    changed = ids.intersection(linked_anew)
    rows = list(
        Response.objects.with_external_ids(project, changed | extras.keys()).only(
            "id", "external_id", "request", "stream_error", "thread_id"
        )
    )
    for row in rows:
        name = row.external_id
        row.previous_response_id, row.conversation_id = links[name].previous_response_id, links[name].conversation_id
        row.thread_id = thread_ids[name]
        if name in extras:
            before = (row.request, row.stream_error)
            row.request = extras[name].request or row.request
            row.stream_error = extras[name].stream_error or row.stream_error
            if before != (row.request, row.stream_error):
                changed.add(name)
    columns = ("previous_response_id", "conversation_id", "thread_id", "request", "stream_error")
    get_values = attrgetter("pk", *columns)
    update_rows(Response, columns, (get_values(row) for row in rows if row.external_id in changed))
    return changed


def _is_linked_anew(link: ResponseLink, stored: ResponseLink | None) -> bool:
    links = (link.previous_response_id, link.conversation_id)
    return stored is None or links != (stored.previous_response_id, stored.conversation_id)
