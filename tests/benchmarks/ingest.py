"""Benchmark of ingest: Runglass, plain Django REST framework, and COPY of the same rows, measured in turn.

Plain DRF is a site of its own on the same database and the same web server, with the defaults of the framework. It
answers with the stored objects. A second endpoint answers with a count, to show how much that costs.

`uv run python -m tests.benchmarks.ingest` prints medians and ratios, and the bytes per run. The clients run in this
process with one connection each. Machines differ, so quote the ratios.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import django

from tests.benchmarks.site import (
    BATCH_SIZE,
    Site,
    build_batches,
    encode_json,
    measure_speed,
    run_plain_site,
    run_site,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="runs per round and writer (10000)")
    parser.add_argument("--singles", type=int, default=500, help="requests with one run per round and writer (500)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stored", type=int, default=100_000, help="runs to store for the size per run (100000)")
    arguments = parser.parse_args()
    with run_site() as running:
        django.setup()
        _create_tables()
        speeds: dict[str, list[float]] = {}
        with run_plain_site(running) as plain:
            for number in range(arguments.rounds):
                for name, speed in _round(running, plain, number, arguments.runs, arguments.singles):
                    speeds.setdefault(name, []).append(speed)
        _print_speeds(speeds)
        _print_size(running, arguments.stored)


def _round(running: Site, plain: Site, number: int, runs: int, singles: int) -> list[tuple[str, float]]:
    seeds = enumerate((runs, runs, singles), 3 * number)
    same, others, single = (_generate_runs(seed, count) for seed, count in seeds)
    batches, other_batches, rows = build_batches(same), build_batches(others), _build_rows(same)
    return [
        ("Runglass, 500 per request", measure_speed(runs, lambda: running.post_all("/api/v1/runs", batches))),
        ("plain DRF, 500 per request", measure_speed(runs, lambda: plain.post_all("/runs", batches))),
        # other runs, because this writes into the same table
        ("plain DRF with a count", measure_speed(runs, lambda: plain.post_all("/counted", other_batches))),
        ("COPY, 500 per transaction", measure_speed(runs, lambda: _copy(rows))),
        ("Runglass, 1 per request", measure_speed(singles, lambda: running.post_all("/api/v1/runs", single))),
        ("plain DRF, 1 per request", measure_speed(singles, lambda: plain.post_all("/runs", single))),
    ]


def _generate_runs(seed: int, runs: int) -> list[bytes]:
    from runs.demo import generate_lifecycles

    lifecycles = generate_lifecycles(runs=runs, end=int(time.time()), seed=seed, steps=False)
    return [encode_json(lifecycle.run) for lifecycle in lifecycles]


def _build_rows(objects: list[bytes]) -> list[list[object]]:
    """Return the rows that ingest would write, encoded for COPY."""
    from django.utils import timezone

    from runs.ingest import RUNS, write
    from runs.ingest.merge import Receipt, build_merge_plan, drop_recorded_entries
    from runs.models import Project
    from runs.protocol import lossless_json

    project, receipt, rows = Project.objects.get(slug="default"), Receipt(timezone.now()), []
    for index, raw in enumerate(objects):
        record = RUNS.parse(project, index, lossless_json.split_object(raw))
        plan = build_merge_plan(RUNS, None, [record], {}, receipt)
        drop_recorded_entries(plan, set())
        rows.append(RUNS.table._encode(write._build_row(project, RUNS, record.key, plan, receipt)))
    return rows


def _copy(rows: list[list[object]]) -> None:
    """Copy the rows into a table with the same columns and indexes, which is the upper limit of Postgres."""
    from django.db import transaction

    from runs.db import sql
    from runs.ingest import RUNS

    for start in range(0, len(rows), BATCH_SIZE):
        with transaction.atomic():
            sql.copy_rows("copied_run", ", ".join(RUNS.table.columns), rows[start : start + BATCH_SIZE])


def _create_tables() -> None:
    from django.db import connection

    from tests.benchmarks.plain.models import PlainRun

    with connection.schema_editor() as editor:
        editor.create_model(PlainRun)
        editor.execute("CREATE TABLE copied_run (LIKE run INCLUDING ALL)")


def _print_speeds(speeds: dict[str, list[float]]) -> None:
    medians = {name: median(values) for name, values in speeds.items()}
    print(f"\n{'':<28}{'runs/s, median':>16}{'min':>10}{'max':>10}")
    for name, values in speeds.items():
        print(f"{name:<28}{medians[name]:>16,.0f}{min(values):>10,.0f}{max(values):>10,.0f}")
    for writer, baseline in (
        ("Runglass, 500 per request", "plain DRF, 500 per request"),
        ("Runglass, 500 per request", "plain DRF with a count"),
        ("Runglass, 500 per request", "COPY, 500 per transaction"),
        ("Runglass, 1 per request", "plain DRF, 1 per request"),
    ):
        ratios = [a / b for a, b in zip(speeds[writer], speeds[baseline], strict=True)]
        print(f"{writer} against {baseline}: {median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})")


def _print_size(running: Site, run_count: int) -> None:
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
    measured_models = (Run, *others, *(rollup.model for rollup in RUN_ROLLUPS))
    seed = 1000
    while (missing := run_count - Run.objects.count()) > 0:
        objects = _generate_runs(seed, min(missing, 10_000))
        running.post_all("/api/v1/runs", build_batches(objects))
        seed += 1
    time.sleep(2 * IDLE_SECONDS + 2)  # until the idle site has compacted its tables
    stored, raw = Run.objects.count(), sum(map(len, _generate_runs(1, 1000))) / 1000
    print(f"\n{stored:,} runs stored; raw JSON {raw:,.0f} B per run")
    total = 0.0
    with connection.cursor() as cursor:
        for table in (model._meta.db_table for model in measured_models):
            cursor.execute("SELECT pg_table_size(%s), pg_indexes_size(%s)", [table, table])
            heap, indexes = (size / stored for size in cursor.fetchone())
            total += heap + indexes
            print(f"{table:<24}{heap:>8,.0f} B{indexes:>8,.0f} B of indexes")
    print(f"{'total':<24}{total:>8,.0f} B per run")


if __name__ == "__main__":
    main()
