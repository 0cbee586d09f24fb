"""A script that posts until everything is acknowledged, whatever happens to the server."""

from __future__ import annotations

import http.client
import json
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from runs.demo.generate import generate_lifecycles
from runs.protocol.run import TERMINAL_RUN_STATUSES
from tests.factories import NOW
from tests.faults.site import JSON, Site, bearer

Batch = list[dict[str, Any]]
LOST = 0  # the status of a response that never arrived


def snapshots(runs: int) -> Iterator[dict[str, Any]]:
    """Yield the snapshots of finished runs, in the order of their lifecycle."""
    for lifecycle in generate_lifecycles(runs=runs, days=3, end=NOW, steps=False):
        if lifecycle.run["status"] in TERMINAL_RUN_STATUSES:
            yield from (*lifecycle.earlier, lifecycle.run)


def batches(objects: Iterable[dict[str, Any]], size: int) -> Iterator[Batch]:
    source = iter(objects)
    return iter(lambda: list(islice(source, size)), [])


class Load:
    """Posts batches to a site with several connections, and counts the responses by status."""

    def __init__(self, site: Site, batches: Iterable[Batch], key: str = "", writers: int = 4) -> None:
        self.status_counts: Counter[int] = Counter()
        self.acknowledged = 0
        self._site = site
        self._key = key or site.key
        self._batches: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        for batch in batches:
            self._batches.put(json.dumps(batch).encode())
        self.total = self._batches.qsize()
        self._mutex = threading.Lock()
        self._writers = [threading.Thread(target=self._write) for _ in range(writers)]

    def run(self, seconds: float, disruptions: Sequence[tuple[float, Callable[[], None]]] = ()) -> None:
        """Post everything within `seconds`. Each disruption is called when its share has been acknowledged."""
        self._deadline = time.monotonic() + seconds
        for writer in self._writers:
            writer.start()
        for share, action in disruptions:
            while self.acknowledged < share * self.total and time.monotonic() < self._deadline:
                time.sleep(0.01)
            action()
        for writer in self._writers:
            writer.join()
        assert self.acknowledged == self.total, f"{self.acknowledged} of {self.total}: {self.status_counts}"

    def _write(self) -> None:
        while time.monotonic() < self._deadline:
            try:
                body = self._batches.get_nowait()
            except queue.Empty:
                return
            while time.monotonic() < self._deadline and not self._post(body):
                time.sleep(0.1)

    def _post(self, body: bytes) -> bool:
        try:
            headers = {**JSON, **bearer(self._key)}
            status = self._site.request("POST", "/api/v1/runs", body, headers).status
        except (OSError, http.client.HTTPException):
            status = LOST
        with self._mutex:
            self.status_counts[status] += 1
            self.acknowledged += status == 200
        return status == 200
