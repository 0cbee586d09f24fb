"""What is fetched, and in which order: assistants; of each thread its runs, each with its steps, then its messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from runs.errors import UnreadableBody
from runs.protocol import assistant, lossless_json, message, run, step
from runs.transfer.harvest.client import (
    HarvestClient,
    RequestFailed,
    ResourceNotFound,
    ServerKeyRejected,
    ServerUnavailable,
)
from runs.transfer.harvest.pagination import ListedObject, ServerListPage, fetch_list_pages


@dataclass(frozen=True, slots=True)
class FetchedObjects:
    """Objects of one kind, as they came; `expected` is what they should be (`thread.run`, …)."""

    thread_id: str
    expected: str
    raws: list[bytes]


@dataclass(slots=True)
class ThreadCrawl:
    """What became of going through one thread."""

    thread_id: str
    is_gone: bool = False
    has_ended: bool = True  # all its runs
    missing: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    repeats: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether all there is, and ever will be of these runs, was fetched."""
        return self.has_ended and not self.is_gone and not self.faults


def fetch_thread_ids(client: HarvestClient, repeats: list[str]) -> Iterator[str]:
    """The ids of all threads, where the server lists them; `repeats` gets its path if it repeats itself.

    Raises ServerRefuses, saying what to do, where it lists none, and what `Client.get` does.
    """
    try:
        for page in fetch_list_pages(client, "/threads"):
            if page.repeats:
                repeats.append("/threads")
            yield from (item.id for item in page.items if item.id)
    except ResourceNotFound as error:
        told = f"This server lists no threads ({error}): name them with --threads-file"
        raise ServerUnavailable(told) from error
    except ServerKeyRejected as error:
        raise ServerKeyRejected(f"{error} (a server that lists threads to no key needs --threads-file)") from error


def fetch_assistants(client: HarvestClient) -> Iterator[FetchedObjects]:
    """All assistants, for their names, which runs don't carry; as far as the server lists them, and to this key."""
    try:
        for page in fetch_list_pages(client, "/assistants"):
            yield FetchedObjects("", assistant.ASSISTANT_OBJECT, [item.raw for item in page.items])
    except (ResourceNotFound, ServerKeyRejected, RequestFailed):
        return


def crawl_thread(client: HarvestClient, visit: ThreadCrawl) -> Iterator[FetchedObjects]:
    """Fetch a thread and note in `visit` what could not be. Raises ServerRefuses and Stopped."""
    base = f"/threads/{quote(visit.thread_id, safe='')}"
    for page in _listed(client, visit, f"{base}/runs"):
        yield _fetched(visit, run.RUN_OBJECT, page.items)
        for item in page.items:
            visit.has_ended &= _has_ended(item)
            if item.id:
                yield from _steps(client, visit, f"{base}/runs/{quote(item.id, safe='')}/steps")
    visit.is_gone = f"{base}/runs" in visit.missing
    if not visit.is_gone:
        for page in _listed(client, visit, f"{base}/messages"):
            yield _fetched(visit, message.MESSAGE_OBJECT, page.items)


def _steps(client: HarvestClient, visit: ThreadCrawl, path: str) -> Iterator[FetchedObjects]:
    for page in _listed(client, visit, path):
        yield _fetched(visit, step.STEP_OBJECT, page.items)


def _listed(client: HarvestClient, visit: ThreadCrawl, path: str) -> Iterator[ServerListPage]:
    try:
        for page in fetch_list_pages(client, path):
            if page.repeats:
                visit.repeats.append(path)
            else:
                yield page
    except ResourceNotFound:
        visit.missing.append(path)
    except RequestFailed as error:
        visit.faults.append(error.message)


def _fetched(visit: ThreadCrawl, expected: str, items: Iterable[ListedObject]) -> FetchedObjects:
    return FetchedObjects(visit.thread_id, expected, [item.raw for item in items])


def _has_ended(item: ListedObject) -> bool:
    try:
        return (
            lossless_json.decode_json(lossless_json.split_object(item.raw).get("status", b"null"))
            in run.TERMINAL_RUN_STATUSES
        )
    except (UnreadableBody, TypeError):  # the latter where it is no string
        return False
