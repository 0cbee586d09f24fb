"""Benchmark of ingest by source: runs, responses and spans, measured in turn on one site.

`uv run python -m tests.benchmarks.sources` prints medians and ratios. `--spans 1000000` then stores so many spans, and
prints the bytes of each and the memory of the site. Machines differ, so quote the ratios.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import median

import django

from tests.benchmarks.responses import build_response
from tests.benchmarks.site import BATCH_SIZE, Site, build_batches, encode_json, measure_speed, run_site
from tests.benchmarks.spans import build_export, generate_spans


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=5_000, help="objects per round and source (5000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--spans", type=int, default=0, help="spans to store for the size of each (0)")
    arguments = parser.parse_args()
    with run_site() as site:
        django.setup()
        speeds: dict[str, list[float]] = {}
        for number in range(arguments.rounds):
            for name, bodies in _build_round(number, arguments.objects).items():
                speed = measure_speed(arguments.objects, lambda path=name, sent=bodies: site.post_all(path, sent))
                speeds.setdefault(name, []).append(speed)
        _print_speeds(speeds)
        if arguments.spans:
            _store_spans(site, arguments.spans)


def _build_round(number: int, count: int) -> dict[str, list[bytes]]:
    """Return the bodies of a round by path."""
    from runs.demo import generate_lifecycles

    now = int(time.time())
    lifecycles = generate_lifecycles(runs=count, end=now, seed=number, steps=False)
    runs = [encode_json(lifecycle.run) for lifecycle in lifecycles]
    responses = [encode_json(build_response(number, index, now - index)) for index in range(count)]
    spans = generate_spans(number)
    return {
        "/api/v1/runs": build_batches(runs),
        "/api/v1/responses": build_batches(responses),
        "/v1/traces": [build_export(list(islice(spans, BATCH_SIZE))) for _ in range(count // BATCH_SIZE)],
    }


def _print_speeds(speeds: dict[str, list[float]]) -> None:
    print(f"\n{'':<20}{'per second, median':>20}{'min':>10}{'max':>10}{'of runs':>10}")
    runs = speeds["/api/v1/runs"]
    for name, values in speeds.items():
        ratio = median(value / base for value, base in zip(values, runs, strict=True))
        print(f"{name:<20}{median(values):>20,.0f}{min(values):>10,.0f}{max(values):>10,.0f}{ratio:>10.2f}")


def _store_spans(site: Site, count: int) -> None:
    from django.db import connection

    from runs.models import Span, SpanOrigin, Trace

    spans = generate_spans(1_000_000)
    started = time.perf_counter()
    for _ in range(count // BATCH_SIZE):
        site.post("/v1/traces", build_export(list(islice(spans, BATCH_SIZE))))
    seconds = time.perf_counter() - started
    stored = Span.objects.count()
    print(f"\n{count:,} spans in {seconds:,.0f} s, {count / seconds:,.0f} a second; {stored:,} stored")
    raw = sum(len(encode_json(span)) for span in islice(generate_spans(1), 1000)) / 1000
    print(f"raw JSON {raw:,.0f} B per span")
    with connection.cursor() as cursor:
        for model in (Span, SpanOrigin, Trace):
            table = model._meta.db_table
            cursor.execute("SELECT pg_total_relation_size(%s)", [table])
            print(f"{table:<16}{cursor.fetchone()[0] / stored:>10,.0f} B per span")
    print(f"memory of the largest process of the site: {max(_read_memory()) / 1024:,.0f} MB")


def _read_memory() -> Iterator[int]:
    """Yield the largest resident memory so far, in kB, of each process below this one."""
    parents = {os.getpid()}
    for status in sorted(Path("/proc").glob("[0-9]*/status"), key=lambda path: int(path.parent.name)):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:
            continue  # it has ended
        if int(fields["PPid"]) in parents and fields["Name"].strip() != "postgres":
            parents.add(int(fields["Pid"]))
            yield int(fields.get("VmHWM", "0 kB").split()[0])


if __name__ == "__main__":
    main()
