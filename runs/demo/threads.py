"""Threads: the thread that a run belongs to, and the metadata of its application."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from runs.demo.assistants import Dialect
from runs.demo.functions import DemoCase, make_case
from runs.demo.ids import make_token, make_uuid

CUSTOMERS = (
    "acme", "globex", "initech", "umbra", "hooli", "vandelay", "stark-foods", "café-lumière", "tyrell",
    "northwind", "平和商店", "oscorp",
)  # fmt: skip
_CUSTOMER_WEIGHTS = tuple(accumulate(100 // rank for rank in range(1, len(CUSTOMERS) + 1)))
_RUNS_PER_THREAD = (1, 1, 1, 1, 2, 2, 3, 4, 5, 6)
_MAX_OPEN_THREADS = 8


@dataclass(slots=True)
class DemoThread:
    """A thread that takes `runs_left` more runs, the next one after `free_at`."""

    id: str
    runs_left: int
    metadata: dict[str, str]
    case: DemoCase
    free_at: float = 0


def make_record_id(rng: Random, dialect: Dialect, prefix: str) -> str:
    """Return an id in the style of the dialect's server."""
    if dialect is Dialect.COMPATIBLE:
        return make_uuid(rng)
    if dialect is Dialect.DASHSCOPE:
        return f"{prefix}_{make_uuid(rng)}"
    return f"{prefix}_{make_token(rng)}"


class DemoThreads:
    """The open threads of one assistant, a handful at a time."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._open: list[DemoThread] = []

    def next(self, rng: Random, moment: int) -> DemoThread:
        """Return the thread of a run that starts at `moment`: an open one that is free, or a new one."""
        free = [thread for thread in self._open if thread.free_at < moment]
        thread = rng.choice(free) if free and rng.random() < 0.55 else self._open_thread(rng, moment)
        thread.runs_left -= 1
        if not thread.runs_left:
            self._open.remove(thread)
        return thread

    def _open_thread(self, rng: Random, moment: int) -> DemoThread:
        thread_id = make_record_id(rng, self._dialect, "thread")
        thread = DemoThread(thread_id, rng.choice(_RUNS_PER_THREAD), make_metadata(rng, moment), make_case(rng))
        self._open.append(thread)
        if len(self._open) > _MAX_OPEN_THREADS:
            del self._open[0]
        return thread


def make_metadata(rng: Random, moment: int) -> dict[str, str]:
    """Return metadata as applications attach it: mostly the same keys, sometimes none."""
    if rng.random() < 0.06:
        return {}
    day = time.gmtime(moment)
    drawn = rng.random()
    metadata = {
        "env": "prod" if drawn < 0.86 else "staging" if drawn < 0.96 else "dev",
        "customer": rng.choices(CUSTOMERS, cum_weights=_CUSTOMER_WEIGHTS)[0],
        "release": f"{day.tm_year}.{day.tm_mon}.{day.tm_mday // 7 + 1}",
    }
    if rng.random() < 0.6:
        metadata["channel"] = rng.choice(("chat", "chat", "email", "phone", "api"))
    if rng.random() < 0.35:
        metadata["ticket"] = str(40_000 + moment // 900 % 30_000)
    if rng.random() < 0.12:
        metadata["experiment"] = rng.choice(("tone-b", "short-answers", "control"))
    return metadata
