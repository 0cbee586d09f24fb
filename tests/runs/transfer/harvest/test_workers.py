"""The worker threads of the harvest."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from runs.transfer.harvest.client import HarvestClient, HarvestServer
from runs.transfer.harvest.crawler import ThreadCrawl
from runs.transfer.harvest.rate_limit import RateLimiter
from runs.transfer.harvest.workers import crawl_threads
from tests.runs.transfer.harvest.server import AgentServer


def worker_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("harvest")]


def test_stopping_aborts_requests_in_flight(server: AgentServer) -> None:
    server.add_thread("thread_fast")
    server.add_thread("thread_slow")
    is_waiting = threading.Event()

    def never_answer(*_: Any) -> None:
        is_waiting.set()
        time.sleep(10)

    server.faults["/threads/thread_slow/runs"] = [never_answer]
    rate_limiter = RateLimiter(1, 1000)
    with HarvestClient(HarvestServer(server.url), rate_limiter) as client:
        results = crawl_threads(client, rate_limiter, 1, ["thread_fast", "thread_slow"])
        assert isinstance(next(results), ThreadCrawl)
        assert is_waiting.wait(5)
        started = time.monotonic()
        results.close()
        assert time.monotonic() - started < 1
    assert worker_threads() == []


def test_unexpected_error_of_a_worker_is_raised(server: AgentServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("runs.transfer.harvest.workers.crawl_thread", fail)
    rate_limiter = RateLimiter(2, 1000)
    with HarvestClient(HarvestServer(server.url), rate_limiter) as client, pytest.raises(ZeroDivisionError):
        list(crawl_threads(client, rate_limiter, 2, ["thread_1", "thread_2"]))
