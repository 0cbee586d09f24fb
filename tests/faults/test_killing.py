"""kill -9 in the middle of a load: what was acknowledged is there, and repeating the rest ends as undisturbed."""

from __future__ import annotations

import os
import random

from tests.dashboard.test_up import wait_until
from tests.faults.loading import LOST, Batch, Load, batches, snapshots
from tests.faults.site import Site, kill

# 50000 for a long look at it
RUNS = int(os.environ.get("RUNGLASS_FAULT_RUNS", "4000"))
SECONDS = 30 + RUNS / 100


def test_a_killed_worker_and_a_killed_postgres_lose_nothing_acknowledged(site: Site) -> None:
    undisturbed = Load(site, batches(snapshots(RUNS), 250), site.project("undisturbed"))
    undisturbed.run(SECONDS)
    workers, postgres = site.children()
    assert len(workers) == 2

    load = Load(site, batches(snapshots(RUNS), 250), site.project("disturbed"))
    load.run(
        SECONDS,
        [(0.2, lambda: kill(workers[0])), (0.45, lambda: kill(postgres)), (0.7, lambda: kill(workers[1]))],
    )

    print("answers", undisturbed.answers, load.answers)
    assert set(undisturbed.answers) == {200}
    assert set(load.answers) <= {200, 503, LOST}
    assert load.answers[LOST] + load.answers[503] > 0
    wait_until(lambda: len(site.children()[0]) == 2)
    state = site.state("disturbed")
    assert state == site.state("undisturbed")
    assert state["sums_exact"]
    assert state["broken_histories"] == 0


def test_writers_at_odds_end_as_one(site: Site) -> None:
    told = list(snapshots(1000))
    alone = Load(site, batches(told, 200), site.project("alone"), writers=1)
    alone.run(SECONDS)

    together = Load(site, _interleaved(told), site.project("together"), writers=4)
    together.run(SECONDS)

    assert set(together.answers) == {200}
    state = site.state("together")
    assert state == site.state("alone")
    assert state["sums_exact"]
    assert state["broken_histories"] == 0


def _interleaved(told: Batch) -> list[Batch]:
    """Everything four times over, each time in an order of its own, all four at once."""
    orders = [random.Random(seed).sample(told, len(told)) for seed in range(4)]
    return [batch for turn in zip(*(batches(order, 200) for order in orders), strict=True) for batch in turn]
