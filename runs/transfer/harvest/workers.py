"""Several threads of ours go through a server's threads at once; what they fetch comes out in one place."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs.transfer.harvest.client import HarvestClient, HarvestError
from runs.transfer.harvest.crawler import FetchedObjects, ThreadCrawl, crawl_thread
from runs.transfer.harvest.rate_limit import HarvestStopped, RateLimiter

_LOOK_EVERY = 0.2  # seconds, whether it is over while nobody takes what was fetched


class WorkerCrashed(HarvestError):
    """Fetching ended by a fault of Runglass itself."""

    code = "worker_died"


@dataclass(frozen=True, slots=True)
class _Ended:
    """A worker has no more to do, by itself or for a reason."""

    fault: HarvestError | None


class HarvestWorkers:
    """Fetches the threads named by `thread_ids`, which is read by the workers as they go on."""

    def __init__(self, client: HarvestClient, pace: RateLimiter, concurrency: int, thread_ids: Iterable[str]) -> None:
        self._client, self._pace = client, pace
        self._thread_ids = iter(thread_ids)
        self._lock = threading.Lock()
        self._fetched: queue.Queue[FetchedObjects | ThreadCrawl | _Ended] = queue.Queue(2 * concurrency)
        self._workers = [threading.Thread(target=self._work, daemon=True) for _ in range(concurrency)]

    def fetch(self) -> Iterator[FetchedObjects | ThreadCrawl]:
        """What is fetched, a page at a time; a thread's Visit comes after all of its pages.

        Raises HarvestFault where nothing more can be fetched. Whoever leaves early stops the workers: those
        that wait for an answer are left behind.
        """
        for worker in self._workers:
            worker.start()
        try:
            yield from self._gathered()
        finally:
            self._pace.stop()
            for worker in self._workers:
                worker.join(2 * _LOOK_EVERY)

    def _gathered(self) -> Iterator[FetchedObjects | ThreadCrawl]:
        working = len(self._workers)
        while working:
            found = self._fetched.get()
            if not isinstance(found, _Ended):
                yield found
            elif found.fault is not None:
                raise found.fault
            else:
                working -= 1

    def _work(self) -> None:
        fault: HarvestError | None = WorkerCrashed()
        try:
            while (thread_id := self._next()) is not None:
                visit = ThreadCrawl(thread_id)
                for fetched in crawl_thread(self._client, visit):
                    self._put(fetched)
                self._put(visit)
            fault = None
        except HarvestStopped:
            fault = None
        except HarvestError as error:
            fault = error
        finally:
            self._put(_Ended(fault))

    def _next(self) -> str | None:
        with self._lock:
            return next(self._thread_ids, None)

    def _put(self, found: FetchedObjects | ThreadCrawl | _Ended) -> None:
        while not self._pace.is_stopped:
            try:
                self._fetched.put(found, timeout=_LOOK_EVERY)
            except queue.Full:
                continue
            return
