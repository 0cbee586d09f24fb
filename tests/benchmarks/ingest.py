"""How fast runs come in: Runglass, plain DRF, and COPY of the same typed rows, in turn and in one run.

Plain DRF is a site of its own on the same database, served by the same server with its and Python's own defaults.
It answers with the objects that it stored. A second one has an answer of its own, a count, to show how much of the
difference that makes.

`uv run python -m tests.benchmarks.ingest` prints a table of medians and ratios, and the bytes a run takes.
The clients of all three run in this process, one connection each; machines differ, so quote the ratios.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import django

from tests.benchmarks.site import Site, as_array, as_bytes, plain_site, site

BATCH = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="runs per round and way (10000)")
    parser.add_argument("--singles", type=int, default=500, help="requests of one run per round and way (500)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stored", type=int, default=100_000, help="runs for the bytes per run (100000)")
    arguments = parser.parse_args()
    with site() as running:
        django.setup()
        _make_tables()
        speeds: dict[str, list[float]] = {}
        with plain_site(running) as plain:
            for number in range(arguments.rounds):
                for name, speed in _round(running, plain, number, arguments.runs, arguments.singles):
                    speeds.setdefault(name, []).append(speed)
        _print_speeds(speeds)
        _print_size(running, arguments.stored)


def _round(running: Site, plain: Site, number: int, runs: int, singles: int) -> list[tuple[str, float]]:
    same, others, single = (_objects(3 * number + place, count) for place, count in enumerate((runs, runs, singles)))
    batches, more, rows = _batches(same), _batches(others), _rows(same)
    return [
        ("Runglass, 500 a request", _speed(runs, lambda: _post(running, "/api/v1/runs", batches))),
        ("plain DRF, 500 a request", _speed(runs, lambda: _post(plain, "/runs", batches))),
        # into the same table, hence others
        ("plain DRF with a count", _speed(runs, lambda: _post(plain, "/counted", more))),
        ("COPY, 500 a transaction", _speed(runs, lambda: _copy(rows))),
        ("Runglass, 1 a request", _speed(singles, lambda: _post(running, "/api/v1/runs", single))),
        ("plain DRF, 1 a request", _speed(singles, lambda: _post(plain, "/runs", single))),
    ]


def _batches(objects: list[bytes]) -> list[bytes]:
    return [as_array(objects[begin : begin + BATCH]) for begin in range(0, len(objects), BATCH)]


def _speed(runs: int, work: Callable[[], None]) -> float:
    """Runs per second."""
    begun = time.perf_counter()
    work()
    return runs / (time.perf_counter() - begun)


def _post(running: Site, path: str, bodies: list[bytes]) -> None:
    for body in bodies:
        running.post(path, body)


def _objects(seed: int, runs: int) -> list[bytes]:
    from runs.demo import generate_lifecycles

    return [as_bytes(each.run) for each in generate_lifecycles(runs=runs, end=int(time.time()), seed=seed, steps=False)]


def _rows(objects: list[bytes]) -> list[list[object]]:
    """The objects as the rows that ingest writes, ready for COPY."""
    from django.utils import timezone

    from runs.ingest import RUNS, write
    from runs.ingest.merge import Receipt, build_merge_plan, drop_recorded_entries
    from runs.models import Project
    from runs.protocol import lossless_json

    project, receipt, rows = Project.objects.get(slug="default"), Receipt(timezone.now()), []
    for index, each in enumerate(objects):
        record = RUNS.parse(project, index, lossless_json.split_object(each))
        plan = build_merge_plan(RUNS, None, [record], {}, receipt)
        drop_recorded_entries(plan, set())
        rows.append(RUNS.table._encode(write._build_row(project, RUNS, record.key, plan, receipt)))
    return rows


def _copy(rows: list[list[object]]) -> None:
    """The same typed rows into a table of the same columns and indexes: what Postgres can take at the most."""
    from django.db import transaction

    from runs.db import sql
    from runs.ingest import RUNS

    for begin in range(0, len(rows), BATCH):
        with transaction.atomic():
            sql.copy_rows("copied_run", ", ".join(RUNS.table.columns), rows[begin : begin + BATCH])


def _make_tables() -> None:
    from django.db import connection

    from tests.benchmarks.plain.models import PlainRun

    with connection.schema_editor() as editor:
        editor.create_model(PlainRun)
        editor.execute("CREATE TABLE copied_run (LIKE run INCLUDING ALL)")


def _print_speeds(speeds: dict[str, list[float]]) -> None:
    medians = {name: median(each) for name, each in speeds.items()}
    print(f"\n{'':<28}{'runs/s, median':>16}{'min':>10}{'max':>10}")
    for name, each in speeds.items():
        print(f"{name:<28}{medians[name]:>16,.0f}{min(each):>10,.0f}{max(each):>10,.0f}")
    for ours, other in (
        ("Runglass, 500 a request", "plain DRF, 500 a request"),
        ("Runglass, 500 a request", "plain DRF with a count"),
        ("Runglass, 500 a request", "COPY, 500 a transaction"),
        ("Runglass, 1 a request", "plain DRF, 1 a request"),
    ):
        ratios = [a / b for a, b in zip(speeds[ours], speeds[other], strict=True)]
        print(f"{ours} against {other}: {median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})")


def _print_size(running: Site, wanted: int) -> None:
    from django.db import connection

    from dashboard.server.maintenance_process import IDLE_SECONDS
    from runs.models import (
        Configuration,
        ErrorGroup,
        MetadataKey,
        MetadataValue,
        Observation,
        Run,
        ToolDefinition,
    )
    from runs.rollups.runs import RUN_ROLLUPS

    others = (Configuration, ToolDefinition, MetadataKey, MetadataValue, ErrorGroup, Observation)
    filled = (Run, *others, *(rollup.model for rollup in RUN_ROLLUPS))
    seed = 1000
    while (missing := wanted - Run.objects.count()) > 0:
        objects = _objects(seed, min(missing, 10_000))
        _post(running, "/api/v1/runs", _batches(objects))
        seed += 1
    time.sleep(2 * IDLE_SECONDS + 2)  # until the site has come to rest and given back what it can
    stored, raw = Run.objects.count(), sum(map(len, _objects(1, 1000))) / 1000
    print(f"\n{stored:,} runs stored; raw JSON {raw:,.0f} B a run")
    total = 0.0
    with connection.cursor() as cursor:
        for table in (model._meta.db_table for model in filled):
            cursor.execute("SELECT pg_table_size(%s), pg_indexes_size(%s)", [table, table])
            heap, indexes = (size / stored for size in cursor.fetchone())
            total += heap + indexes
            print(f"{table:<24}{heap:>8,.0f} B{indexes:>8,.0f} B of indexes")
    print(f"{'together':<24}{total:>8,.0f} B a run")


if __name__ == "__main__":
    main()
