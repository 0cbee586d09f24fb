"""A script that posts until everything was acknowledged, whatever happens to the server meanwhile."""

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
LOST = 0  # for the status of an answer that never came


def snapshots(runs: int) -> Iterator[dict[str, Any]]:
    """What `runs` runs said of themselves, each up to its end, oldest first."""
    for each in generate_lifecycles(runs=runs, days=3, end=NOW, steps=False):
        if each.run["status"] in TERMINAL_RUN_STATUSES:
            yield from (*each.earlier, each.run)


def batches(objects: Iterable[dict[str, Any]], size: int) -> Iterator[Batch]:
    source = iter(objects)
    return iter(lambda: list(islice(source, size)), [])


class Load:
    """Posts `todo` to `site` with `writers` connections; `answers` counts how often each status came."""

    def __init__(self, site: Site, todo: Iterable[Batch], key: str = "", writers: int = 4) -> None:
        self.answers: Counter[int] = Counter()
        self.acknowledged = 0
        self._site = site
        self._key = key or site.key
        self._todo: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        for batch in todo:
            self._todo.put(json.dumps(batch).encode())
        self.total = self._todo.qsize()
        self._mutex = threading.Lock()
        self._writers = [threading.Thread(target=self._write) for _ in range(writers)]

    def run(self, seconds: float, disturb: Sequence[tuple[float, Callable[[], None]]] = ()) -> None:
        """Post everything; `disturb` says what to do when which share was acknowledged. Fails after `seconds`."""
        self._deadline = time.monotonic() + seconds
        for each in self._writers:
            each.start()
        for share, action in disturb:
            while self.acknowledged < share * self.total and time.monotonic() < self._deadline:
                time.sleep(0.01)
            action()
        for each in self._writers:
            each.join()
        assert self.acknowledged == self.total, f"{self.acknowledged} of {self.total}: {self.answers}"

    def _write(self) -> None:
        while time.monotonic() < self._deadline:
            try:
                body = self._todo.get_nowait()
            except queue.Empty:
                return
            while time.monotonic() < self._deadline and not self._acknowledged(body):
                time.sleep(0.1)

    def _acknowledged(self, body: bytes) -> bool:
        try:
            headers = {**JSON, **bearer(self._key)}
            status = self._site.ask("POST", "/api/v1/runs", body, headers).status
        except (OSError, http.client.HTTPException):
            status = LOST
        with self._mutex:
            self.answers[status] += 1
            self.acknowledged += status == 200
        return status == 200
