"""What is fetched, and in which order: assistants; of each thread its runs, each with its steps, then its messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from runs.errors import UnreadableBody
from runs.protocol import assistant, lossless_json, message, run, step
from runs.transfer.harvest.client import Client, GivenUp, KeyRefused, NotThere, ServerRefuses
from runs.transfer.harvest.pagination import Listed, Page, pages


@dataclass(frozen=True, slots=True)
class Fetched:
    """Objects of one kind, as they came; `expected` is what they should be (`thread.run`, …)."""

    thread_id: str
    expected: str
    raws: list[bytes]


@dataclass(slots=True)
class Visit:
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


def thread_ids(client: Client, repeats: list[str]) -> Iterator[str]:
    """The ids of all threads, where the server lists them; `repeats` gets its path if it repeats itself.

    Raises ServerRefuses, saying what to do, where it lists none, and what `Client.get` does.
    """
    try:
        for page in pages(client, "/threads"):
            if page.repeats:
                repeats.append("/threads")
            yield from (item.id for item in page.items if item.id)
    except NotThere as error:
        told = f"This server lists no threads ({error}): name them with --threads-file"
        raise ServerRefuses(told) from error
    except KeyRefused as error:
        raise KeyRefused(f"{error} (a server that lists threads to no key needs --threads-file)") from error


def assistants(client: Client) -> Iterator[Fetched]:
    """All assistants, for their names, which runs don't carry; as far as the server lists them, and to this key."""
    try:
        for page in pages(client, "/assistants"):
            yield Fetched("", assistant.OBJECT, [item.raw for item in page.items])
    except (NotThere, KeyRefused, GivenUp):
        return


def walk(client: Client, visit: Visit) -> Iterator[Fetched]:
    """Fetch a thread and note in `visit` what could not be. Raises ServerRefuses and Stopped."""
    base = f"/threads/{quote(visit.thread_id, safe='')}"
    for page in _listed(client, visit, f"{base}/runs"):
        yield _fetched(visit, run.OBJECT, page.items)
        for item in page.items:
            visit.has_ended &= _has_ended(item)
            if item.id:
                yield from _steps(client, visit, f"{base}/runs/{quote(item.id, safe='')}/steps")
    visit.is_gone = f"{base}/runs" in visit.missing
    if not visit.is_gone:
        for page in _listed(client, visit, f"{base}/messages"):
            yield _fetched(visit, message.OBJECT, page.items)


def _steps(client: Client, visit: Visit, path: str) -> Iterator[Fetched]:
    for page in _listed(client, visit, path):
        yield _fetched(visit, step.OBJECT, page.items)


def _listed(client: Client, visit: Visit, path: str) -> Iterator[Page]:
    try:
        for page in pages(client, path):
            if page.repeats:
                visit.repeats.append(path)
            else:
                yield page
    except NotThere:
        visit.missing.append(path)
    except GivenUp as error:
        visit.faults.append(error.message)


def _fetched(visit: Visit, expected: str, items: Iterable[Listed]) -> Fetched:
    return Fetched(visit.thread_id, expected, [item.raw for item in items])


def _has_ended(item: Listed) -> bool:
    try:
        return lossless_json.value(lossless_json.fields(item.raw).get("status", b"null")) in run.TERMINAL
    except (UnreadableBody, TypeError):  # the latter where it is no string
        return False
