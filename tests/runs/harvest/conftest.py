"""A server to harvest, and a clock that takes no time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runs.models import Project
from runs.transfer.harvest import Harvest, HarvestProgressFile
from runs.transfer.harvest.client import HarvestClient, HarvestServer
from runs.transfer.harvest.rate_limit import RateLimiter
from tests.runs.harvest.server import AgentServer, running


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AgentServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with running() as started:
        yield started


class Clock:
    """Seconds that pass only when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return False


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> RateLimiter:
    return RateLimiter(4, 1000, clock=clock, wait=clock.wait)


@pytest.fixture
def client(server: AgentServer, pace: RateLimiter) -> Iterator[HarvestClient]:
    with HarvestClient(HarvestServer(server.url, "v1", {"Authorization": "Bearer sesame"}), pace) as made:
        yield made


MakeHarvest = Callable[..., Harvest]


@pytest.fixture
def harvest_of(project: Project, server: AgentServer, clock: Clock, tmp_path: Path) -> Iterator[MakeHarvest]:
    """Makes a harvest of the server; each goes on where the one before it ended."""
    opened: list[HarvestProgressFile] = []
    clients: list[HarvestClient] = []

    def make(*, concurrency: int = 4, again: bool = False) -> Harvest:
        for each in opened:
            each.__exit__()
        pace = RateLimiter(concurrency, 1000, clock=clock, wait=clock.wait)
        opened.append(HarvestProgressFile(tmp_path / "state.jsonl", {"server": server.url}))
        clients.append(HarvestClient(HarvestServer(server.url), pace))
        return Harvest(project, clients[-1], pace, opened[-1], concurrency, again)

    yield make
    for finished in opened:
        finished.__exit__()
    for client in clients:
        client.__exit__()
