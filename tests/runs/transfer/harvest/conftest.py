"""Fixtures for the harvest: a server, and a clock that only advances when somebody waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runs.models import Project
from runs.transfer.harvest import Harvest
from runs.transfer.harvest.client import HarvestClient, HarvestServer
from runs.transfer.harvest.progress_file import HarvestProgressFile
from runs.transfer.harvest.rate_limit import RateLimiter
from tests.runs.transfer.harvest.server import AgentServer, running


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AgentServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with running() as started:
        yield started


class Clock:
    """A clock whose time only passes in `wait`."""

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
def rate_limiter(clock: Clock) -> RateLimiter:
    return RateLimiter(4, 1000, clock=clock, wait=clock.wait)


@pytest.fixture
def client(server: AgentServer, rate_limiter: RateLimiter) -> Iterator[HarvestClient]:
    api = HarvestServer(server.url, "v1", {"Authorization": "Bearer sesame"})
    with HarvestClient(api, rate_limiter) as opened:
        yield opened


MakeHarvest = Callable[..., Harvest]


@pytest.fixture
def make_harvest(project: Project, server: AgentServer, clock: Clock, tmp_path: Path) -> Iterator[MakeHarvest]:
    """Return a function that makes a harvest of the server; all of them share one progress file."""
    progress_files: list[HarvestProgressFile] = []
    clients: list[HarvestClient] = []

    def make(*, concurrency: int = 4, again: bool = False) -> Harvest:
        for progress_file in progress_files:
            progress_file.__exit__()
        rate_limiter = RateLimiter(concurrency, 1000, clock=clock, wait=clock.wait)
        progress_files.append(HarvestProgressFile(tmp_path / "state.jsonl", {"server": server.url}))
        clients.append(HarvestClient(HarvestServer(server.url), rate_limiter))
        return Harvest(project, clients[-1], rate_limiter, progress_files[-1], concurrency, again)

    yield make
    for progress_file in progress_files:
        progress_file.__exit__()
    for client in clients:
        client.__exit__()
