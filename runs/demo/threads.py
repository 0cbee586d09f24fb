"""Conversations: which thread a run belongs to, and the metadata that its application attached."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from runs.demo.assistants import Dialect
from runs.demo.functions import Case, new_case
from runs.demo.ids import token, uuid

CUSTOMERS = (
    "acme", "globex", "initech", "umbra", "hooli", "vandelay", "stark-foods", "café-lumière", "tyrell",
    "northwind", "平和商店", "oscorp",
)  # fmt: skip
_CUSTOMER_WEIGHTS = tuple(accumulate(100 // rank for rank in range(1, len(CUSTOMERS) + 1)))
_RUNS_PER_THREAD = (1, 1, 1, 1, 2, 2, 3, 4, 5, 6)
_OPEN = 8


@dataclass(slots=True)
class Thread:
    """A conversation that takes `left` more runs, the next one not before `free_at`."""

    id: str
    left: int
    metadata: dict[str, str]
    case: Case
    free_at: float = 0


def make_id(rng: Random, dialect: Dialect, prefix: str) -> str:
    """An id in the style of the dialect's server."""
    if dialect is Dialect.COMPATIBLE:
        return uuid(rng)
    if dialect is Dialect.DASHSCOPE:
        return f"{prefix}_{uuid(rng)}"
    return f"{prefix}_{token(rng)}"


class Threads:
    """The open conversations of one assistant: a handful at a time, whatever the number of runs."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._open: list[Thread] = []

    def next(self, rng: Random, moment: int) -> Thread:
        """The thread of a run that begins now: an open one that is free, or a new one."""
        free = [thread for thread in self._open if thread.free_at < moment]
        thread = rng.choice(free) if free and rng.random() < 0.55 else self._begin(rng, moment)
        thread.left -= 1
        if not thread.left:
            self._open.remove(thread)
        return thread

    def _begin(self, rng: Random, moment: int) -> Thread:
        thread_id = make_id(rng, self._dialect, "thread")
        thread = Thread(thread_id, rng.choice(_RUNS_PER_THREAD), attach(rng, moment), new_case(rng))
        self._open.append(thread)
        if len(self._open) > _OPEN:
            del self._open[0]
        return thread


def attach(rng: Random, moment: int) -> dict[str, str]:
    """Metadata as the application's developers attach it: mostly the same keys, sometimes none at all."""
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
