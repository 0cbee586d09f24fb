"""Fetch everything that a server holds: assistants, and for each thread its runs, their steps and its messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from runs.errors import UnreadableBody
from runs.protocol.assistant import ASSISTANT_OBJECT
from runs.protocol.lossless_json import decode_json, split_object
from runs.protocol.message import MESSAGE_OBJECT
from runs.protocol.run import RUN_OBJECT, TERMINAL_RUN_STATUSES
from runs.protocol.step import STEP_OBJECT
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
    """A page of objects as the server sent them; `object_type` is the expected value of their field `object`."""

    thread_id: str
    object_type: str
    raw_objects: list[bytes]


@dataclass(slots=True)
class ListProblems:
    """The paths of lists that are incomplete.

    `missing_lists` do not exist on the server. `truncated_lists` announced more objects than the server sent.
    `failures` are error messages.
    """

    missing_lists: list[str] = field(default_factory=list)
    truncated_lists: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@dataclass(slots=True)
class ThreadCrawl(ListProblems):
    """The result of crawling one thread."""

    thread_id: str = ""
    is_missing: bool = False
    has_only_ended_runs: bool = True

    @property
    def is_complete(self) -> bool:
        """Return whether the thread was fetched completely and its runs cannot change any more."""
        return self.has_only_ended_runs and not (self.is_missing or self.truncated_lists or self.failures)


def fetch_thread_ids(client: HarvestClient, problems: ListProblems) -> Iterator[str]:
    """Yield the ids of all threads of the server, and record in `problems` if some are not sent.

    Raises:
        ServerUnavailable: the server does not list threads; the message says what to do.
        HarvestError: see `HarvestClient.get`.
    """
    try:
        for page in _read_pages(client, problems, "/threads"):
            yield from (listed.id for listed in page.objects if listed.id)
    except ResourceNotFound as error:
        message = f"This server does not list its threads ({error}): name them with --threads-file"
        raise ServerUnavailable(message) from error
    except ServerKeyRejected as error:
        hint = "if the server does not list threads for any key, name them with --threads-file"
        raise ServerKeyRejected(f"{error} ({hint})") from error


def fetch_assistants(client: HarvestClient, problems: ListProblems) -> Iterator[FetchedObjects]:
    """Yield the assistants, whose names runs do not carry, if the server lists them for this API key.

    A list that cannot be fetched completely is recorded in `problems`.
    """
    try:
        for page in _read_pages(client, problems, "/assistants"):
            yield FetchedObjects("", ASSISTANT_OBJECT, [listed.raw for listed in page.objects])
    except (ResourceNotFound, ServerKeyRejected):
        return
    except RequestFailed as error:
        problems.failures.append(error.message)


def crawl_thread(client: HarvestClient, crawl: ThreadCrawl) -> Iterator[FetchedObjects]:
    """Yield the pages of a thread and record in `crawl` which lists could not be fetched.

    Raises:
        ServerUnavailable: no request will be answered any more.
        HarvestStopped: the harvest was stopped.
    """
    thread_path = f"/threads/{quote(crawl.thread_id, safe='')}"
    for page in _fetch_pages(client, crawl, f"{thread_path}/runs"):
        yield FetchedObjects(crawl.thread_id, RUN_OBJECT, [run.raw for run in page.objects])
        for run in page.objects:
            crawl.has_only_ended_runs &= _has_ended(run)
            if run.id:
                for steps in _fetch_pages(client, crawl, f"{thread_path}/runs/{quote(run.id, safe='')}/steps"):
                    yield FetchedObjects(crawl.thread_id, STEP_OBJECT, [step.raw for step in steps.objects])
    crawl.is_missing = f"{thread_path}/runs" in crawl.missing_lists
    if not crawl.is_missing:
        for page in _fetch_pages(client, crawl, f"{thread_path}/messages"):
            yield FetchedObjects(crawl.thread_id, MESSAGE_OBJECT, [message.raw for message in page.objects])


def _fetch_pages(client: HarvestClient, crawl: ThreadCrawl, path: str) -> Iterator[ServerListPage]:
    try:
        yield from _read_pages(client, crawl, path)
    except ResourceNotFound:
        crawl.missing_lists.append(path)
    except RequestFailed as error:
        crawl.failures.append(error.message)


def _read_pages(client: HarvestClient, problems: ListProblems, path: str) -> Iterator[ServerListPage]:
    for page in fetch_list_pages(client, path, ignore_has_more=client.server.ignore_has_more):
        if page.is_truncated:
            problems.truncated_lists.append(path)
        else:
            yield page


def _has_ended(run: ListedObject) -> bool:
    try:
        return decode_json(split_object(run.raw).get("status", b"null")) in TERMINAL_RUN_STATUSES
    except (UnreadableBody, TypeError):  # TypeError: the status is not hashable, so not a string
        return False
