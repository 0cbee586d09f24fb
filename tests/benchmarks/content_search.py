"""Benchmark of what content search costs on ingest: with and without searched texts, measured in turn.

The same runs with their steps and messages are stored in two projects of a temporary database, in one of them without
the texts that are searched. `uv run python -m tests.benchmarks.content_search` prints the CPU time of Python and of
Postgres per run, and the ratio. The time in which the maintenance process fills the index is measured on its own.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from unittest import mock

from tests.benchmarks.dataset import ingest_objects, setup_django

if TYPE_CHECKING:
    from runs.demo import Lifecycle
    from runs.models import Project

BATCH_SIZE = 250  # runs
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

# Microseconds of CPU per run: of Python and of Postgres.
CpuTimes = tuple[float, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2_000, help="runs per round and project (2000)")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="runglass-benchmark-") as directory:
        Path(directory).chmod(0o711)  # root's server runs as another user
        # a process of its own lets go of the database before the directory is removed
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
            executor.submit(measure_ingest, Path(directory), arguments.runs, arguments.rounds).result()


def measure_ingest(directory: Path, runs: int, rounds: int) -> None:
    """Measure and print the cost of content search in a new database in `directory`."""
    setup_django(directory)
    from runs.models import Project

    searched, plain = (Project.objects.create(slug=slug, name=slug) for slug in ("searched", "plain"))
    _measure_round(searched, plain, 0, runs)  # a warm-up
    print(f"{'CPU per run, µs':<18}{'Python':>10}{'Postgres':>10}{'total':>10}")
    results = [_measure_round(searched, plain, number, runs) for number in range(1, rounds + 1)]
    for name, times in zip(("with texts", "without texts", "indexing"), zip(*results, strict=True), strict=True):
        python, postgres = (median(values) for values in zip(*times, strict=True))
        print(f"{name:<18}{python:>10.0f}{postgres:>10.0f}{python + postgres:>10.0f}")
    ratios = [sum(searched_times) / sum(plain_times) for searched_times, plain_times, _ in results]
    print(f"with against without: {median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


def _measure_round(searched: Project, plain: Project, seed: int, runs: int) -> tuple[CpuTimes, CpuTimes, CpuTimes]:
    """Return the times of ingest with and without searched texts, and of filling the index."""
    from runs.demo import generate_lifecycles

    lifecycles = list(generate_lifecycles(runs=runs, end=int(time.time()), seed=seed))
    with_texts, without_texts = [], []
    for start in range(0, runs, BATCH_SIZE):  # in turn, and each as often first, so that both meet the same noise
        batch = lifecycles[start : start + BATCH_SIZE]
        for is_searched in (True, False) if (start // BATCH_SIZE) % 2 else (False, True):
            project, times = (searched, with_texts) if is_searched else (plain, without_texts)
            with nullcontext() if is_searched else mock.patch("runs.ingest.write.write_search_texts"):
                times.append(_measure_cpu(runs, partial(_store, project, batch)))
    return _sum_times(with_texts), _sum_times(without_texts), _measure_cpu(runs, partial(_index_all, searched))


def _sum_times(times: Iterable[CpuTimes]) -> CpuTimes:
    python, postgres = zip(*times, strict=True)
    return sum(python), sum(postgres)


def _store(project: Project, lifecycles: Iterable[Lifecycle]) -> None:
    from runs.ingest import MESSAGES, RUNS, STEPS

    ingest_objects(project, RUNS, (lifecycle.run for lifecycle in lifecycles))
    ingest_objects(project, STEPS, (step for lifecycle in lifecycles for step in lifecycle.steps))
    ingest_objects(project, MESSAGES, (message for lifecycle in lifecycles for message in lifecycle.messages))


def _index_all(project: Project) -> None:
    from runs.enrichment.search_index import index_search_texts

    while index_search_texts(project, rest_factor=0.0):
        pass


def _measure_cpu(runs: int, work: Callable[[], None]) -> CpuTimes:
    """Return the microseconds of CPU that `work` takes per run: of this process, and of all of Postgres."""
    python, postgres = time.process_time(), _read_postgres_seconds()
    work()
    python, postgres = time.process_time() - python, _read_postgres_seconds() - postgres
    return 1e6 * python / runs, 1e6 * postgres / runs


def _read_postgres_seconds() -> float:
    """Return the CPU time of the processes of the temporary Postgres, which have the same parent."""
    from django.db import connection

    connection.ensure_connection()
    server_id = _read_process(connection.connection.info.backend_pid)[0]
    processes = (_read_process(int(path.name)) for path in Path("/proc").glob("[0-9]*"))
    return sum(seconds for parent_id, seconds in processes if parent_id == server_id)


def _read_process(process_id: int) -> tuple[int, float]:
    """Return the id of the parent of a process, and the seconds of CPU that it has taken; zeros if it has ended."""
    try:
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0, 0.0
    return int(fields[1]), (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


if __name__ == "__main__":
    main()
