"""Tests that `kill -9` under load loses no acknowledged run, and that retries end in the same state."""

from __future__ import annotations

import os
import random

from tests.dashboard.server.test_up import wait_until
from tests.faults.loading import LOST, Batch, Load, batches, snapshots
from tests.faults.site import Site, kill

# Use 50000 for a long test.
RUNS = int(os.environ.get("RUNGLASS_FAULT_RUNS", "4000"))
SECONDS = 30 + RUNS / 100


def test_killed_processes_lose_nothing_acknowledged(site: Site) -> None:
    undisturbed = Load(site, batches(snapshots(RUNS), 250), site.project("undisturbed"))
    undisturbed.run(SECONDS)
    workers, postgres = site.children()
    assert len(workers) == 2

    load = Load(site, batches(snapshots(RUNS), 250), site.project("disturbed"))
    load.run(
        SECONDS,
        [(0.2, lambda: kill(workers[0])), (0.45, lambda: kill(postgres)), (0.7, lambda: kill(workers[1]))],
    )

    print("status counts", undisturbed.status_counts, load.status_counts)
    assert set(undisturbed.status_counts) == {200}
    assert set(load.status_counts) <= {200, 503, LOST}
    assert load.status_counts[LOST] + load.status_counts[503] > 0
    wait_until(lambda: len(site.children()[0]) == 2)
    state = site.state("disturbed")
    assert state == site.state("undisturbed")
    assert state["sums_exact"]
    assert state["broken_histories"] == 0


def test_concurrent_writers_end_in_the_same_state(site: Site) -> None:
    posts = list(snapshots(1000))
    alone = Load(site, batches(posts, 200), site.project("alone"), writers=1)
    alone.run(SECONDS)

    together = Load(site, _interleave(posts), site.project("together"), writers=4)
    together.run(SECONDS)

    assert set(together.status_counts) == {200}
    state = site.state("together")
    assert state == site.state("alone")
    assert state["sums_exact"]
    assert state["broken_histories"] == 0


def _interleave(posts: Batch) -> list[Batch]:
    """Return the posts four times, each time in another order, and all four interleaved."""
    orders = [random.Random(seed).sample(posts, len(posts)) for seed in range(4)]
    return [batch for group in zip(*(batches(order, 200) for order in orders), strict=True) for batch in group]
