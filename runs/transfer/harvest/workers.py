"""Crawl several threads of a server at once and pass what is fetched to one consumer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from runs.transfer.harvest.client import HarvestClient
from runs.transfer.harvest.crawler import FetchedObjects, ThreadCrawl, crawl_thread
from runs.transfer.harvest.rate_limit import RateLimiter

_STOP_CHECK_INTERVAL = 0.2  # seconds
_SHUTDOWN_TIMEOUT = 2.0  # seconds


def crawl_threads(
    client: HarvestClient, rate_limiter: RateLimiter, concurrency: int, thread_ids: Iterable[str]
) -> Generator[FetchedObjects | ThreadCrawl]:
    """Crawl the threads `thread_ids` with `concurrency` workers.

    Yield pages as they arrive; the `ThreadCrawl` of a thread follows its last page. The workers read `thread_ids`
    lazily. They are stopped, and open connections are closed, when the consumer closes this generator.

    Raises:
        HarvestError: nothing more can be fetched.
    """
    # bounded, so that fetching does not run ahead of storing
    results: queue.Queue[FetchedObjects | ThreadCrawl | Future[None]] = queue.Queue(2 * concurrency)
    remaining_ids = iter(thread_ids)
    remaining_ids_lock = threading.Lock()

    def put(result: FetchedObjects | ThreadCrawl | Future[None]) -> None:
        while not rate_limiter.is_stopped:
            try:
                results.put(result, timeout=_STOP_CHECK_INTERVAL)
            except queue.Full:
                continue
            return

    def next_thread_id() -> str | None:
        with remaining_ids_lock:
            return next(remaining_ids, None)

    def work() -> None:
        while (thread_id := next_thread_id()) is not None:
            crawl = ThreadCrawl(thread_id=thread_id)
            for fetched in crawl_thread(client, crawl):
                put(fetched)
            put(crawl)

    executor = ThreadPoolExecutor(concurrency, thread_name_prefix="harvest")
    workers = [executor.submit(work) for _ in range(concurrency)]
    for worker in workers:
        worker.add_done_callback(put)
    try:
        running = concurrency
        while running:
            result = results.get()
            if isinstance(result, Future):
                result.result()  # raises what ended the worker
                running -= 1
            else:
                yield result
    finally:
        rate_limiter.stop()
        client.abort()
        executor.shutdown(wait=False, cancel_futures=True)
        wait(workers, _SHUTDOWN_TIMEOUT)
